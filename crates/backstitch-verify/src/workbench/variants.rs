//! Makes variants of the inputs that show a flaw: what a fix must stop too if it removes the cause.
//! Pure and repeatable: the same inputs and seed give the same variants.

use std::collections::BTreeSet;

/// How many variants are made.
const VARIANTS_MAX: usize = 24;
/// How many are tried before too few that differ are enough.
const TRIES_MAX: usize = 400;
/// The longest variant, in bytes.
const BYTES_MAX: usize = 16 << 10;

/// Names that often stand for one another where a filter knows only one of them.
const SYNONYMS: &[(&str, &str)] = &[
    ("__proto__", "constructor.prototype"),
    ("../", "./../"),
    ("../", "..//"),
    ("/", "//"),
    ("javascript:", "JaVaScript:"),
    ("javascript:", "java\tscript:"),
    ("\n", "\r\n"),
    (" ", "\t"),
    ("\"", "'"),
    ("'", "\""),
    ("<", " <"),
    ("=", " = "),
    ("0", "00"),
];

/// Variants of `inputs`, none of which is listed itself.
pub(super) fn variants(inputs: &[String], seed: &str) -> Vec<String> {
    let mut chance = Chance::new(seed);
    let mut known: BTreeSet<String> = inputs.iter().cloned().collect();
    let mut variants = Vec::new();
    for _ in 0..TRIES_MAX {
        if variants.len() == VARIANTS_MAX || inputs.is_empty() {
            break;
        }
        let mut variant = inputs[chance.below(inputs.len())].clone();
        for _ in 0..=chance.below(2) {
            variant = mutated(&variant, &mut chance);
        }
        if variant.len() <= BYTES_MAX && !variant.contains('\0') && known.insert(variant.clone()) {
            variants.push(variant);
        }
    }
    variants
}

fn mutated(input: &str, chance: &mut Chance) -> String {
    match chance.below(7) {
        0 => synonym(input, chance),
        1 => other_case(input, chance),
        2 => renamed(input, chance),
        3 => doubled(input, chance),
        4 => format!(" {input}"),
        5 => format!("{input} "),
        _ => without_one(input, chance),
    }
}

/// One name for another, at one place.
fn synonym(input: &str, chance: &mut Chance) -> String {
    let fitting: Vec<_> = SYNONYMS
        .iter()
        .flat_map(|&(one, other)| [(one, other), (other, one)])
        .filter(|(from, _)| input.contains(from))
        .collect();
    match fitting.get(chance.below(fitting.len().max(1))) {
        Some((from, to)) => input.replacen(from, to, 1),
        None => input.to_owned(),
    }
}

fn other_case(input: &str, chance: &mut Chance) -> String {
    let at = chance.below(input.chars().count().max(1));
    let flipped = |(index, letter): (usize, char)| match letter {
        _ if index != at => letter,
        _ if letter.is_ascii_lowercase() => letter.to_ascii_uppercase(),
        _ => letter.to_ascii_lowercase(),
    };
    input.chars().enumerate().map(flipped).collect()
}

/// One word of letters becomes another of the same length: what a filter for a literal knows.
fn renamed(input: &str, chance: &mut Chance) -> String {
    let words: Vec<&str> = input
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let Some(word) = words.get(chance.below(words.len().max(1))) else {
        return input.to_owned();
    };
    let other: String = word.chars().map(|letter| next(letter, chance)).collect();
    input.replace(word, &other)
}

fn next(letter: char, chance: &mut Chance) -> char {
    let letters = match letter {
        '0'..='9' => "123456789",
        'A'..='Z' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _ => "abcdefghijklmnopqrstuvwxyz",
    };
    let at = chance.below(letters.len());
    letters.chars().nth(at).unwrap_or(letter)
}

/// A part stands twice.
fn doubled(input: &str, chance: &mut Chance) -> String {
    let letters: Vec<char> = input.chars().collect();
    let from = chance.below(letters.len().max(1));
    let to = (from + 1 + chance.below(8)).min(letters.len());
    let from = from.min(to);
    let (before, part, after) = (&letters[..to], &letters[from..to], &letters[to..]);
    [before, part, after].concat().into_iter().collect()
}

fn without_one(input: &str, chance: &mut Chance) -> String {
    let at = chance.below(input.chars().count().max(1));
    let kept = input.chars().enumerate().filter(|(index, _)| *index != at);
    kept.map(|(_, letter)| letter).collect()
}

/// Numbers that look like chance and are not (splitmix64).
pub(super) struct Chance(u64);

impl Chance {
    /// Begins with a text's FNV-1a hash.
    pub(super) fn new(seed: &str) -> Self {
        let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }

    /// A number below `bound`, which is not zero.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn variants_differ_from_what_is_listed_and_from_each_other_and_can_be_repeated() {
        let listed = inputs(&["--__proto__.flag=1"]);
        let first = variants(&listed, "seed");
        assert_eq!(first.len(), VARIANTS_MAX);
        assert_eq!(first, variants(&listed, "seed"));
        assert_ne!(first, variants(&listed, "another seed"));
        let unlike: BTreeSet<_> = first.iter().chain(&listed).collect();
        assert_eq!(unlike.len(), VARIANTS_MAX + 1);
        assert!(first.iter().any(|text| text.contains("__proto__")));
    }

    #[test]
    fn inputs_of_any_kind_give_bounded_variants_without_end_or_panic() {
        let long = "x".repeat(BYTES_MAX);
        for listed in [
            inputs(&[]),
            inputs(&[""]),
            inputs(&["é\u{1f600}", "a"]),
            vec![long],
        ] {
            let made = variants(&listed, "seed");
            assert!(made.len() <= VARIANTS_MAX);
            assert!(made.iter().all(|variant| variant.len() <= BYTES_MAX));
        }
    }
}
