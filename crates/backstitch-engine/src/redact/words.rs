//! Finds secrets by how they begin and by how random they look.

use std::ops::Range;

use super::Spot;

/// Known beginnings of secrets: what they are, the beginning, and how many characters must follow.
/// From the formats' own documentation.
pub(super) const BEGINNINGS: &[(&str, &str, usize)] = &[
    ("AWS key id", "AKIA", 16),
    ("AWS key id", "ASIA", 16),
    ("Anthropic key", "sk-ant-", 16),
    ("API key", "sk-", 20),
    ("API key", "sk_live_", 16),
    ("API key", "sk_test_", 16),
    ("API key", "rk_live_", 16),
    ("API key", "pk_live_", 16),
    ("API key", "gsk_", 20),
    ("API key", "xai-", 20),
    ("API key", "r8_", 20),
    ("DigitalOcean token", "dop_v1_", 32),
    ("Docker token", "dckr_pat_", 16),
    ("GitHub token", "ghp_", 30),
    ("GitHub token", "gho_", 30),
    ("GitHub token", "ghu_", 30),
    ("GitHub token", "ghs_", 30),
    ("GitHub token", "ghr_", 30),
    ("GitHub token", "github_pat_", 30),
    ("GitLab token", "glpat-", 16),
    ("Google key", "AIza", 30),
    ("Google token", "ya29.", 20),
    ("Google secret", "GOCSPX-", 20),
    ("Hugging Face token", "hf_", 30),
    ("npm token", "npm_", 30),
    ("PyPI token", "pypi-", 40),
    ("registry token", "cio", 32),
    ("SendGrid key", "SG.", 40),
    ("Shopify token", "shpat_", 30),
    ("Slack token", "xoxa-", 10),
    ("Slack token", "xoxb-", 10),
    ("Slack token", "xoxp-", 10),
    ("Slack token", "xoxr-", 10),
    ("Slack token", "xoxs-", 10),
    ("Slack token", "xapp-", 10),
    ("Vault token", "hvs.", 20),
    ("web token", "eyJ", 40),
];

/// The shortest text that is taken out for looking random alone, in characters.
const RANDOM_CHARACTERS_MIN: usize = 32;

/// How random it must look, in hundredths of a bit for each character.
const RANDOM_CENTIBITS_MIN: u32 = 420;

/// Words that begin like a known secret or look random.
pub(super) fn spots(text: &str) -> Vec<Spot> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.+/=".contains(c);
    let mut spots = Vec::new();
    let mut start = None;
    for (place, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(place),
            (Some(begin), false) => {
                spots.extend(in_word(text, begin..place));
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    spots
}

fn in_word(text: &str, range: Range<usize>) -> Vec<Spot> {
    let word = &text[range.clone()];
    let known = BEGINNINGS.iter().flat_map(|known| begun(word, known));
    let known: Vec<Spot> = known
        .map(|(spot, kind)| (range.start + spot.start..range.start + spot.end, kind))
        .collect();
    if !known.is_empty() {
        return known;
    }
    let digest = ["sha1-", "sha256-", "sha384-", "sha512-", "h1:", "md5-"];
    let says_digest = digest.iter().any(|start| word.starts_with(start))
        || ["sha256:", "sha512:", "sha384:", "h1:"]
            .iter()
            .any(|before| text[..range.start].ends_with(before));
    // An address or an assignment leaves its own signs before the secret.
    let core = word.trim_start_matches(['/', '.', '-', '+', '=']);
    let start = range.end - core.len();
    if says_digest || !looks_random(core) {
        return Vec::new();
    }
    vec![(start..range.end, "random text")]
}

/// Where one kind of secret stands in a word, by how it begins.
fn begun(word: &str, (kind, beginning, more): &(&'static str, &str, usize)) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut from = 0;
    while let Some(place) = word[from..].find(beginning) {
        let place = from + place;
        let inside = place + beginning.len();
        let before = word[..place].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            // Inside a longer word it is a coincidence.
            from = inside;
            continue;
        }
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c));
        let length = word[inside..].find(is_end).unwrap_or(word.len() - inside);
        // Words joined by hyphens, such as `sk-learn-contrib-…`, have no digit, and then no part
        // of them has.
        let token = &word[inside..inside + length];
        if token.bytes().any(|byte| byte.is_ascii_digit()) && length >= *more {
            spots.push((place..inside + length, *kind));
        }
        from = inside + length;
    }
    spots
}

/// Is a word like a key: long, of every kind of character, and without a pattern? Digests in hex
/// are of two kinds only.
fn looks_random(word: &str) -> bool {
    let core = word.trim_end_matches(['=', '.']);
    if core.len() < RANDOM_CHARACTERS_MIN {
        return false;
    }
    let has = |kind: fn(&u8) -> bool| core.bytes().filter(kind).count() * 16 >= core.len();
    let mixed =
        has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    // Paths and dotted names are words with signs between them.
    let signs = core.bytes().filter(|byte| b"/._-".contains(byte)).count();
    mixed && signs * 8 <= core.len() && centibits(core) >= RANDOM_CENTIBITS_MIN
}

/// Shannon's entropy of a text's bytes, in hundredths of a bit for each.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a word's length is small, and its entropy is between 0 and 8 bits"
)]
fn centibits(text: &str) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = text.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum();
    (bits * 100.0) as u32
}
