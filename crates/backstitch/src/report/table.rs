//! A table of text, laid out for a width.
//!
//! The crates for this take a quarter of what finding takes in all, since they lay out every
//! cell character by character; nearly all text here is ASCII and fits.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands between two columns, and before the first.
const GAP: usize = 2;

/// No column is made narrower than this, however narrow the terminal.
const COLUMN_MIN: usize = 8;

/// A table: rows of cells under a header, in columns as wide as their text or as there is room.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
    width: usize,
}

/// A cell's text, of one line or more, and how it looks on a terminal.
#[derive(Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell that looks like `style`, which says nothing where there are no colours.
    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

impl<Text: Into<String>> From<Text> for Cell {
    fn from(text: Text) -> Self {
        Self::styled(text, Style::new())
    }
}

impl Table {
    /// A table with these columns, for lines of `width` characters.
    pub(super) fn new(header: &[&str], style: Style, width: usize) -> Self {
        Self {
            header: header
                .iter()
                .map(|name| Cell::styled(*name, style))
                .collect(),
            rows: Vec::new(),
            width,
        }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn add_row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table as text, each of its lines with its end.
    pub(super) fn text(&self) -> String {
        let widths = self.widths();
        let total: usize = widths.iter().map(|width| width + GAP).sum::<usize>() + 1;
        let rule = |character: &str| format!("{}\n", character.repeat(total));
        let (thin, thick) = (rule("─"), rule("═"));
        let mut text = thin.clone();
        write_row(&mut text, &self.header, &widths);
        text.push_str(&thick);
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                text.push_str(&thin);
            }
            write_row(&mut text, row, &widths);
        }
        text.push_str(&thin);
        text
    }

    /// Each column as wide as its longest line; where that is too much for all, the narrow
    /// ones keep theirs and the others share what is left.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.header.iter().map(widest).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(widest(cell));
            }
        }
        let room = self.width.saturating_sub(GAP * widths.len() + 1);
        let share = share(&widths, room).max(COLUMN_MIN);
        for width in &mut widths {
            *width = (*width).min(share);
        }
        widths
    }
}

/// The widest that a column may be so that all have room.
fn share(widths: &[usize], room: usize) -> usize {
    let mut ascending = widths.to_vec();
    ascending.sort_unstable();
    let mut left = room;
    for (number, width) in ascending.iter().enumerate() {
        let share = left / (ascending.len() - number);
        if *width > share {
            return share;
        }
        left -= width;
    }
    usize::MAX
}

fn widest(cell: &Cell) -> usize {
    cell.text.split('\n').map(columns).max().unwrap_or_default()
}

/// How many columns of a terminal a text takes.
fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

fn write_row(text: &mut String, cells: &[Cell], widths: &[usize]) {
    let mut columns_of_lines: Vec<_> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| Pieces::new(&cell.text, *width).peekable())
        .collect();
    while columns_of_lines
        .iter_mut()
        .any(|lines| lines.peek().is_some())
    {
        let mut missing = 1;
        for ((lines, cell), width) in columns_of_lines.iter_mut().zip(cells).zip(widths) {
            let line = lines.next().unwrap_or_default();
            if !line.is_empty() {
                text.extend(std::iter::repeat_n(' ', missing));
                missing = 0;
                let styled = cell.style;
                if styled.is_plain() {
                    text.push_str(line);
                } else {
                    text.push_str(&format!("{styled}{line}{styled:#}"));
                }
            }
            missing += width.saturating_sub(columns(line)) + GAP;
        }
        text.push('\n');
    }
}

/// A text's lines, broken where they are wider than the column: between words where it can be.
struct Pieces<'text> {
    lines: std::str::Split<'text, char>,
    rest: &'text str,
    width: usize,
}

impl<'text> Pieces<'text> {
    fn new(text: &'text str, width: usize) -> Self {
        Self {
            lines: text.split('\n'),
            rest: "",
            width,
        }
    }
}

impl<'text> Iterator for Pieces<'text> {
    type Item = &'text str;

    fn next(&mut self) -> Option<&'text str> {
        if self.rest.is_empty() {
            self.rest = self.lines.next()?;
        }
        let (piece, rest) = split_at_width(self.rest, self.width);
        self.rest = rest;
        Some(piece)
    }
}

/// Parts a line at the last space that leaves the first part within `width`; a word that is
/// wider itself is broken. Takes at least one character, and looks no further than it must:
/// a text from outside may be long.
fn split_at_width(line: &str, width: usize) -> (&str, &str) {
    // No character takes more columns than bytes.
    if line.len() <= width {
        return (line, "");
    }
    let (mut taken, mut space, mut end) = (0, None, None);
    for (place, character) in line.char_indices() {
        let wide = character.width().unwrap_or_default();
        if taken + wide > width && place > 0 {
            // A space may stand right behind what fits.
            space = if character == ' ' { Some(place) } else { space };
            end = Some(place);
            break;
        }
        if character == ' ' && place > 0 {
            space = Some(place);
        }
        taken += wide;
    }
    let Some(end) = end else {
        return (line, "");
    };
    match space {
        Some(space) => (&line[..space], line[space..].trim_start_matches(' ')),
        None => line.split_at(end),
    }
}

#[cfg(test)]
mod tests {
    use anstyle::AnsiColor;

    use super::*;

    fn table(width: usize, rows: &[[&str; 2]]) -> String {
        let mut table = Table::new(&["Name", "What it is"], Style::new(), width);
        for row in rows {
            table.add_row(row.iter().copied());
        }
        table.text()
    }

    #[test]
    fn columns_are_as_wide_as_their_text_where_there_is_room() {
        let text = table(80, &[["a", "one"], ["bcdefg", "two\nlines"]]);
        let lines: Vec<_> = text.lines().map(|line| line.replace('─', "-")).collect();
        assert_eq!(lines[1], " Name    What it is");
        assert_eq!(lines[3], " a       one");
        assert_eq!(lines[4], "-".repeat(21));
        assert_eq!(lines[5], " bcdefg  two");
        assert_eq!(lines[6], "         lines");
        assert_eq!(lines.len(), 8);
    }

    #[test]
    fn what_does_not_fit_is_broken_between_words_and_a_long_word_anywhere() {
        let text = table(
            25,
            &[
                ["a", "some words that are many"],
                ["b", "abcdefghijklmnopqrstuvwxyz"],
            ],
        );
        for line in text.lines() {
            assert!(columns(line) <= 25, "{line}");
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("a some words that are many"), "{text}");
        assert!(
            text.contains("abcdefghijklmnop\n       qrstuvwxyz"),
            "{text}"
        );
    }

    #[test]
    fn wide_characters_take_two_columns_and_a_narrow_terminal_hides_nothing() {
        let text = table(1, &[["漢字漢字漢字", "x y"]]);
        assert!(text.contains("漢字漢字  x y"), "{text}");
        assert!(text.contains("\n 漢字\n"), "{text}");
        assert_eq!(split_at_width("漢字", 1), ("漢", "字"));
    }

    #[test]
    fn a_style_is_around_the_text_and_not_around_its_padding() {
        let mut table = Table::new(&["A", "B"], Style::new(), 40);
        let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
        table.add_row([Cell::styled("yes", green), "no".into()]);
        let expected = format!(" {green}yes{green:#}  no\n");
        assert!(table.text().contains(&expected));
    }

    #[test]
    fn blank_lines_and_empty_cells_stay() {
        let text = table(40, &[["", "one\n\ntwo"]]);
        assert!(text.contains("\n       one\n\n       two\n"), "{text}");
    }
}
