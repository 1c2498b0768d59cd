//! Makes text from outside safe to show.

use std::fmt::Write as _;

/// Replaces what could move the cursor, hide text or turn its direction: control
/// characters but the newline, and Unicode's invisible and bidirectional formatting
/// characters (<https://www.unicode.org/reports/tr36/>, 3.1 and 3.7).
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // Most text has nothing to replace, and whole runs are copied faster than characters.
    let mut rest = text;
    while let Some(place) = rest.find(is_dangerous) {
        let (run, dangerous) = rest.split_at(place);
        safe.push_str(run);
        let mut characters = dangerous.chars();
        if let Some(character) = characters.next() {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        }
        rest = characters.as_str();
    }
    safe.push_str(rest);
    safe
}

fn is_dangerous(character: char) -> bool {
    match character {
        '\n' | ' '..='~' => false,
        _ => {
            character.is_control()
                || matches!(
                    character,
                    '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
                )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let hostile = "a\u{1b}[2J\u{7}b\r\u{9b}31m\u{202e}c\u{200b}\u{feff}d\ne";
        assert_eq!(
            escape(hostile),
            "a\\u{1b}[2J\\u{7}b\\u{d}\\u{9b}31m\\u{202e}c\\u{200b}\\u{feff}d\ne"
        );
        assert_eq!(escape("naïve → ok"), "naïve → ok");
    }
}
