//! Makes variants of inputs of any kind, near the ones that show a flaw: what a fix must stop too if
//! it removes the cause. Pure and repeatable: the same inputs and seed give the same variants.

use serde::{Deserialize, Serialize};

use crate::workbench::variants::Chance;

/// The longest variant, in bytes.
pub(super) const BYTES_MAX: usize = 256 << 10;
/// How many numbers of a text are set to each of the values at the edges.
const NUMBERS_MAX: usize = 4;
/// The part of an input that is taken for a header, in bytes.
const HEADER_BYTES_MAX: usize = 64;
/// How many words are made as long as just shows the flaw.
const WORDS_MAX: usize = 4;
/// Of how many numbers the edge is looked for.
const EDGE_NUMBERS_MAX: usize = 2;

/// Values at which counts and sizes of 8, 16, 32 and 64 bits turn.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
];

/// Letters of two, three and four bytes.
const LETTERS: [char; 6] = [
    '\u{e9}',
    '\u{df}',
    '\u{416}',
    '\u{65e5}',
    '\u{20ac}',
    '\u{1f600}',
];
/// How many letters of an input become others.
const LETTERS_MAX: usize = 8;

/// Texts that stand for one another where a filter knows only one of them.
const SYNONYMS: [(&str, &str); 16] = [
    ("../", "..\\"),
    ("../", "%2e%2e/"),
    ("../", "..%2f"),
    ("../", "....//"),
    ("../", "./../"),
    ("../", "x/../../"),
    (".", "%2e"),
    ("/", "//"),
    ("/", "\\"),
    ("__proto__", "constructor.prototype"),
    ("posix", "os"),
    ("builtins", "__builtin__"),
    ("\n", "\r\n"),
    (" ", "\t"),
    ("'", "\""),
    ("<", "&lt;"),
];

/// Where on the untouched tree an input turns from one that shows no flaw into one that does: what a
/// check that is wrong by one lets through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edges {
    /// The input, by number.
    pub(super) input: usize,
    /// The shortest length of its longest word that shows the flaw.
    pub(super) length: Option<usize>,
    /// The least value of each of its first numbers that shows the flaw.
    pub(super) values: Vec<Option<u64>>,
}

impl Edges {
    /// The input with its longest word cut to a length.
    pub(super) fn cut(input: &[u8], length: usize) -> Vec<u8> {
        let (from, to) = longest_word(input);
        replaced(input, from + length.min(to - from), to, b"")
    }

    /// The length of its longest word.
    pub(super) fn full(input: &[u8]) -> usize {
        let (from, to) = longest_word(input);
        to - from
    }

    /// The first numbers of a text.
    pub(super) fn numbers(input: &[u8]) -> Vec<Option<u64>> {
        let first = numbers(input).into_iter().take(EDGE_NUMBERS_MAX);
        first
            .map(|(from, to)| text(&input[from..to])?.parse().ok())
            .collect()
    }

    /// The input with one of its numbers replaced.
    pub(super) fn with_number(input: &[u8], number: usize, value: u64) -> Vec<u8> {
        match numbers(input).get(number) {
            Some((from, to)) => replaced(input, *from, *to, value.to_string().as_bytes()),
            None => input.to_vec(),
        }
    }

    /// The least value of any of its numbers that shows the flaw.
    pub(super) fn least_value(&self) -> Option<u64> {
        self.values.iter().copied().flatten().min()
    }

    /// Every word as long as just shows the flaw, and one more and one less; and so with numbers.
    pub(super) fn variants(&self, inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let Some(input) = inputs.get(self.input) else {
            return Vec::new();
        };
        let mut made = Vec::new();
        if let Some(length) = self.length {
            for (from, to) in words(input) {
                for length in [length, length + 1, length.saturating_sub(1), length * 2] {
                    made.push(with_length(input, from, to, length));
                }
            }
        }
        for (number, value) in self.values.iter().enumerate() {
            for value in value
                .iter()
                .flat_map(|value| [*value, value.saturating_add(1), value.saturating_sub(1)])
            {
                made.push(Self::with_number(input, number, value));
            }
        }
        made
    }
}

/// Variants by chance, as many as are asked for or can be found.
pub(super) fn by_chance(
    inputs: &[Vec<u8>],
    words: &[String],
    chance: &mut Chance,
    count: usize,
) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    let inputs: Vec<_> = inputs.iter().filter(|it| it.len() <= BYTES_MAX).collect();
    for _ in 0..count {
        if inputs.is_empty() {
            break;
        }
        let mut variant = inputs[chance.below(inputs.len())].clone();
        for _ in 0..=chance.below(2) {
            variant = match of_lines(&variant, words, chance) {
                Some(lines) if chance.below(4) > 0 => lines,
                Some(_) | None => mutated(variant, chance),
            };
            variant.truncate(BYTES_MAX + 1);
        }
        made.push(variant);
    }
    made
}

/// Words that are far longer, each alone.
pub(super) fn longer(input: &[u8]) -> Vec<Vec<u8>> {
    let most = Edges::full(input);
    let longest = longest_word(input);
    let others = words(input).into_iter().filter(|word| *word != longest);
    let mut made = vec![with_length(input, longest.0, longest.1, most.max(1) * 16)];
    for (from, to) in others {
        made.push(with_length(input, from, to, most.max(1) * 4));
    }
    made.push(with_length(input, longest.0, longest.1, most.max(1) * 1024));
    made
}

/// The words of an input that are tried: the longest first.
fn words(input: &[u8]) -> Vec<(usize, usize)> {
    let mut words = stretches(input, |byte| !separates(*byte));
    words.sort_by_key(|(from, to)| (std::cmp::Reverse(to - from), *from));
    words.truncate(WORDS_MAX);
    words
}

/// A word made of its own bytes over and over, up to a length.
fn with_length(input: &[u8], from: usize, to: usize, length: usize) -> Vec<u8> {
    let own = if from < to { &input[from..to] } else { b"A" };
    let word: Vec<u8> = own
        .iter()
        .copied()
        .cycle()
        .take(length.min(BYTES_MAX))
        .collect();
    replaced(input, from, to, &word)
}

/// Variants without chance: longer, shorter, and with the numbers at the edges.
pub(super) fn telling(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    let (from, to) = longest_word(input);
    for times in [2, 3, 8, 64, 1024] {
        made.push(repeated(input, from, to, times));
        made.push(input.repeat(times.min(8)));
    }
    for (from, to) in numbers(input).into_iter().take(NUMBERS_MAX) {
        let own: Option<u64> = text(&input[from..to]).and_then(|text| text.parse().ok());
        let near = own.into_iter().flat_map(|own| {
            let doubled = own.saturating_mul(2);
            [
                own.saturating_add(1),
                own.saturating_sub(1),
                doubled,
                doubled + 1,
            ]
        });
        for value in near.chain(EDGES) {
            made.push(replaced(input, from, to, value.to_string().as_bytes()));
        }
        let negative = [b"-", &input[from..to]].concat();
        made.push(replaced(input, from, to, &negative));
    }
    if text(input).is_none() {
        made.extend(with_integers(input));
    }
    for less in [1, 2, 4, input.len() / 2] {
        made.push(input[..input.len().saturating_sub(less)].to_vec());
    }
    made
}

/// Each word with another beginning or end, or without its last character: who knows the listed input
/// may know it by these.
pub(super) fn other_ends(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for (from, to) in words(input).into_iter().take(WORDS_MAX) {
        let is = |letter: u8, at: usize| input[at] == letter;
        let end = if is(b'x', to - 1) { b"y" } else { b"x" };
        made.push(replaced(input, to - 1, to, end));
        made.push(replaced(input, to - 1, to, b""));
        let begin = if is(b'x', from) { b"y" } else { b"x" };
        made.push(replaced(input, from, from + 1, begin));
        made.push(replaced(input, from, from, begin));
    }
    made
}

/// Each letter beyond ASCII as another one, of as many bytes and of more or less.
pub(super) fn other_letters(input: &[u8]) -> Vec<Vec<u8>> {
    let Some(text) = text(input) else {
        return Vec::new();
    };
    let letters = text.char_indices().filter(|(_, letter)| !letter.is_ascii());
    let mut made = Vec::new();
    for (at, letter) in letters.take(LETTERS_MAX) {
        for other in LETTERS.into_iter().filter(|other| *other != letter) {
            let mut bytes = [0; 4];
            let other = other.encode_utf8(&mut bytes).as_bytes();
            made.push(replaced(input, at, at + letter.len_utf8(), other));
        }
    }
    made
}

/// A text with what a filter may know written in another way, everywhere and at the first place.
pub(super) fn synonyms(input: &[u8]) -> Vec<Vec<u8>> {
    let Some(text) = text(input) else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for (one, other) in SYNONYMS {
        for (from, to) in [(one, other), (other, one)] {
            if text.contains(from) {
                made.push(text.replace(from, to).into_bytes());
                made.push(text.replacen(from, to, 1).into_bytes());
            }
        }
    }
    made
}

/// One line of a text of several goes, comes twice, changes its place, or begins with another word.
fn of_lines(input: &[u8], words: &[String], chance: &mut Chance) -> Option<Vec<u8>> {
    let mut lines: Vec<&str> = text(input)?.lines().collect();
    if lines.len() < 2 {
        return None;
    }
    let at = chance.below(lines.len());
    let word = words.get(chance.below(words.len().max(1)));
    let with_word;
    match (chance.below(6), word) {
        (0, _) => drop(lines.remove(at)),
        (1, _) => lines.insert(at, lines[at]),
        (2, _) => {
            let other = chance.below(lines.len());
            lines.swap(at, other);
        }
        (3 | 4, Some(word)) => {
            let rest = lines[at].split_once(' ').filter(|_| chance.below(2) == 0);
            with_word = rest.map_or_else(|| word.clone(), |(_, rest)| format!("{word} {rest}"));
            lines[at] = &with_word;
        }
        (_, Some(word)) => lines.insert(at, word),
        (_, None) => lines.truncate(at.max(1)),
    }
    Some(format!("{}\n", lines.join("\n")).into_bytes())
}

fn mutated(input: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    if input.is_empty() {
        return vec![b'A'; 1 + chance.below(64)];
    }
    let at = chance.below(input.len());
    match chance.below(10) {
        0 => {
            let mut input = input;
            input[at] ^= 1 << chance.below(8);
            input
        }
        1 => {
            let mut input = input;
            input[at] = [0, 1, 0x7f, 0x80, 0xff, input[at].wrapping_add(1)][chance.below(6)];
            input
        }
        2 | 3 => with_integer(input, at, chance),
        4 => input[..at].to_vec(),
        5 | 6 => {
            let to = (at + 1 + chance.below(32)).min(input.len());
            repeated(&input, at, to, [2, 4, 16, 256][chance.below(4)])
        }
        7 => {
            let to = (at + 1 + chance.below(8)).min(input.len());
            replaced(&input, at, to, b"")
        }
        8 => match numbers(&input) {
            numbers if numbers.is_empty() => other_case(input, at),
            numbers => {
                let (from, to) = numbers[chance.below(numbers.len())];
                let value = EDGES[chance.below(EDGES.len())];
                replaced(&input, from, to, value.to_string().as_bytes())
            }
        },
        _ => synonym(input, at, chance),
    }
}

/// Integers of two and four bytes at the edges, at each even place of a header.
fn with_integers(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for value in [0xffff_ffff_u32, 0x7fff_ffff, 0x1_0000, 0x8000, 0x4000_0000] {
        for at in (0..input.len().min(HEADER_BYTES_MAX)).step_by(2) {
            let short = u16::try_from(value).unwrap_or(u16::MAX);
            for bytes in [
                &value.to_le_bytes()[..],
                &value.to_be_bytes(),
                &short.to_le_bytes(),
            ] {
                let to = at + bytes.len();
                if to <= input.len() {
                    made.push(replaced(input, at, to, bytes));
                }
            }
        }
    }
    made
}

/// An integer of one, two, four or eight bytes becomes another: one more or less, or an edge.
fn with_integer(mut input: Vec<u8>, at: usize, chance: &mut Chance) -> Vec<u8> {
    let width = [1, 2, 4, 8][chance.below(4)];
    let at = at / width * width;
    let Some(place) = input.get_mut(at..at + width) else {
        return input;
    };
    let little = chance.below(2) == 0;
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(place);
    if !little {
        bytes[..width].reverse();
    }
    let own = u64::from_le_bytes(bytes);
    let value = match chance.below(5) {
        0 => own.wrapping_add(1),
        1 => own.wrapping_sub(1),
        2 => own.wrapping_mul(2),
        _ => EDGES[chance.below(EDGES.len())],
    };
    let mut bytes = value.to_le_bytes();
    if !little {
        bytes[..width].reverse();
    }
    place.copy_from_slice(&bytes[..width]);
    input
}

fn synonym(input: Vec<u8>, at: usize, chance: &mut Chance) -> Vec<u8> {
    let Some(text) = text(&input) else {
        return other_case(input, at);
    };
    let fitting: Vec<_> = SYNONYMS
        .iter()
        .flat_map(|&(one, other)| [(one, other), (other, one)])
        .filter(|(from, _)| text.contains(from))
        .collect();
    match fitting.get(chance.below(fitting.len().max(1))) {
        Some((from, to)) => text.replacen(from, to, 1).into_bytes(),
        None => other_case(input, at),
    }
}

fn other_case(mut input: Vec<u8>, at: usize) -> Vec<u8> {
    if input[at].is_ascii_alphabetic() {
        input[at] ^= 0x20;
    } else {
        input[at] = input[at].wrapping_add(1);
    }
    input
}

/// A part stands several times.
fn repeated(input: &[u8], from: usize, to: usize, times: usize) -> Vec<u8> {
    let room = BYTES_MAX.saturating_sub(input.len()) / (to - from).max(1);
    let part = input[from..to].repeat(times.min(room + 1));
    replaced(input, from, to, &part)
}

pub(super) fn replaced(input: &[u8], from: usize, to: usize, by: &[u8]) -> Vec<u8> {
    [&input[..from], by, &input[to..]].concat()
}

/// The longest stretch without blanks and separators: what fills a buffer.
fn longest_word(input: &[u8]) -> (usize, usize) {
    stretches(input, |byte| !separates(*byte))
        .into_iter()
        .max_by_key(|(from, to)| to - from)
        .unwrap_or((0, input.len()))
}

pub(super) fn separates(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",;:=&\"'<>()[]{}\0".contains(&byte)
}

/// Where a text's numbers stand.
pub(super) fn numbers(input: &[u8]) -> Vec<(usize, usize)> {
    stretches(input, u8::is_ascii_digit)
}

pub(super) fn stretches(input: &[u8], is_in: impl Fn(&u8) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = None;
    for (at, byte) in input.iter().enumerate() {
        match (is_in(byte), from) {
            (true, None) => from = Some(at),
            (false, Some(begun)) => {
                found.push((begun, at));
                from = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    found.extend(from.map(|begun| (begun, input.len())));
    found
}

/// An input that is text: without the bytes that texts do not have.
pub(super) fn text(input: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(input).ok()?;
    let is_plain = |c: char| !c.is_control() || c.is_whitespace();
    text.chars().all(is_plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_and_begin_in_another_way() {
        let made = other_ends(b"*a*a\nbb\n");
        for wanted in ["*a*x\nbb\n", "*a*\nbb\n", "xa*a\nbb\n", "*a*a\nbx\n"] {
            assert!(made.contains(&wanted.as_bytes().to_vec()), "{wanted}");
        }
        assert!(other_ends(b"").is_empty() && other_ends(b"\n \n").is_empty());
    }

    #[test]
    fn letters_beyond_ascii_become_others() {
        let made = other_letters("a\u{ea}b\u{e9}".as_bytes());
        for wanted in ["a\u{e9}b\u{e9}", "a\u{1f600}b\u{e9}", "a\u{ea}b\u{df}"] {
            assert!(made.contains(&wanted.as_bytes().to_vec()), "{wanted}");
        }
        assert!(other_letters(b"ab").is_empty() && other_letters(b"\xff\xfe").is_empty());
        assert!(other_letters("\u{e9}".repeat(1000).as_bytes()).len() < 50);
    }

    #[test]
    fn what_wrong_mends_let_through_is_among_them() {
        let all = |input: &[u8]| telling(input);
        let longer = all(b"key=AAAA\n");
        let long = [b"key=".to_vec(), vec![b'A'; 4096], b"\n".to_vec()].concat();
        assert!(longer.contains(&long));
        let numbered = all(b"size 65536");
        for value in ["65535", "65537", "4294967295", "4294967296", "-65536"] {
            let wanted = format!("size {value}").into_bytes();
            assert!(numbered.contains(&wanted), "{value}");
        }
        let path = synonyms(b"../secret");
        for wanted in ["..\\secret", "%2e%2e/secret", "....//secret"] {
            assert!(path.contains(&wanted.as_bytes().to_vec()), "{wanted}");
        }
        let keys = synonyms(b"a.__proto__.b");
        assert!(keys.contains(&b"a.constructor.prototype.b".to_vec()));
    }

    #[test]
    fn lines_are_moved_and_begin_with_words_that_the_project_knows() {
        let input = b"add a\ntake\ndrop a\nshow\n".to_vec();
        let words = ["clear".to_owned()];
        let made = by_chance(&[input], &words, &mut Chance::new("seed"), 48);
        let clears = made
            .iter()
            .filter(|it| it.escape_ascii().to_string().contains("clear"));
        assert!(clears.count() > 4);
    }

    #[test]
    fn every_word_is_tried_at_the_length_that_just_shows_the_flaw() {
        let edges = Edges {
            input: 0,
            length: Some(8),
            values: vec![Some(300)],
        };
        let made = edges.variants(&[b"[a]\nkkkkkkkkkkkk=9\n".to_vec()]);
        for wanted in [
            &b"[a]\nkkkkkkkk=9\n"[..],
            b"[a]\nkkkkkkk=9\n",
            b"[aaaaaaaa]\nkkkkkkkkkkkk=9\n",
            b"[a]\nkkkkkkkkkkkk=300\n",
            b"[a]\nkkkkkkkkkkkk=299\n",
        ] {
            assert!(
                made.iter().any(|it| it == wanted),
                "{}",
                wanted.escape_ascii()
            );
        }
    }
}
