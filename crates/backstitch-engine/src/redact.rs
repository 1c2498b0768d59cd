//! Takes secrets out of what leaves the machine or is written to a log: keys, tokens, passwords
//! and private keys, by their known beginnings, by what they are assigned to, and by how random
//! they look. Works on texts; where in doubt it takes out.
//!
//! The digests of lockfiles look as random as keys do, and an engine needs them no more than it
//! needs keys; those that say what they are stay, since a brief is easier to read with them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

/// How every mark begins that stands in a secret's place.
pub const MARK: &str = "[redacted:";

/// Known beginnings of secrets: what they are, the beginning, and how many characters must follow.
/// From the formats' own documentation.
const BEGINNINGS: &[(&str, &str, usize)] = &[
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

/// Parts of names whose value is a secret.
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "private_key",
    "private-key",
    "auth_key",
    "authkey",
    "signing_key",
    "encryption_key",
    "credential",
    "authorization",
    "connection_string",
    "pwd",
];

/// What a value is that is no secret, whatever it is assigned to.
const PLAIN_VALUES: &[&str] = &[
    "null",
    "none",
    "true",
    "false",
    "undefined",
    "string",
    "str",
    "self",
    "this",
    "example",
    "changeme",
    "placeholder",
    "optional",
    "boolean",
    "number",
    "object",
    "unknown",
];

/// The shortest value of a secret name that is taken out, in characters.
const VALUE_CHARACTERS_MIN: usize = 6;

/// The shortest text that is taken out for looking random alone, in characters.
const RANDOM_CHARACTERS_MIN: usize = 32;

/// How random it must look, in hundredths of a bit for each character.
const RANDOM_CENTIBITS_MIN: u32 = 420;

/// The shortest known secret that is looked for: a shorter one would be found in words.
const KNOWN_BYTES_MIN: usize = 8;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Vec<String>,
}

/// A text without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text, with a mark in the place of each secret.
    pub text: String,
    /// What kinds of secrets there were.
    pub kinds: BTreeSet<&'static str>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Redactor({} known secrets)", self.known.len())
    }
}

impl Redactor {
    /// Adds a secret that is known, such as an engine's key; it is taken out wherever it stands.
    pub fn know(&mut self, secret: &str) {
        if secret.len() >= KNOWN_BYTES_MIN {
            self.known.push(secret.to_owned());
            // The longest first, should one be part of another.
            self.known
                .sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// Takes out only the secrets that are known, and nothing where there is none: for what must
    /// otherwise stay byte for byte.
    pub fn known_only<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut text = Cow::Borrowed(text);
        for known in &self.known {
            if text.contains(known.as_str()) {
                text = Cow::Owned(text.replace(known.as_str(), &mark("key")));
            }
        }
        text
    }

    /// Do these bytes hold a known secret?
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        let mut known = self.known.iter();
        known.any(|known| {
            bytes
                .windows(known.len())
                .any(|part| part == known.as_bytes())
        })
    }

    /// Takes every secret out.
    pub fn redact(&self, text: &str) -> Redacted {
        let mut kinds = BTreeSet::new();
        let known = self.known_only(text);
        if let Cow::Owned(_) = known {
            kinds.insert("key");
        }
        let mut spots = private_keys(&known);
        spots.extend(in_addresses(&known));
        spots.extend(assigned(&known));
        spots.extend(words(&known));
        spots.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut clean = String::with_capacity(known.len());
        let mut done = 0;
        for (range, kind) in spots {
            if range.end <= done {
                continue;
            }
            let start = range.start.max(done);
            clean.push_str(&known[done..start]);
            // One that begins inside the one before has its mark already.
            if range.start >= done {
                clean.push_str(&mark(kind));
                kinds.insert(kind);
            }
            done = range.end;
        }
        clean.push_str(&known[done..]);
        Redacted { text: clean, kinds }
    }
}

/// Is this a file whose values are secrets by custom, so that nothing of it is told?
pub fn is_secret_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = [
        ".pem",
        ".key",
        ".p12",
        ".pfx",
        ".jks",
        ".keystore",
        ".kdbx",
        ".ppk",
    ];
    let whole = [
        ".npmrc",
        ".pypirc",
        ".netrc",
        "_netrc",
        ".htpasswd",
        ".git-credentials",
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "credentials",
        "credentials.toml",
        ".pgpass",
    ];
    // An example of one holds names without values.
    let example = [".example", ".sample", ".template", ".dist"];
    let is_env = name.split('.').any(|part| part == "env") && name.contains(".env");
    (is_env && !example.iter().any(|end| name.ends_with(end)))
        || ends.iter().any(|end| name.ends_with(end))
        || whole.contains(&name.as_str())
}

fn mark(kind: &str) -> String {
    format!("{MARK}{kind}]")
}

type Spot = (Range<usize>, &'static str);

/// Private keys in PEM's armour; one without an end goes on to the text's.
fn private_keys(text: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut from = 0;
    while let Some(begin) = text[from..].find("-----BEGIN ") {
        let begin = from + begin;
        let rest = &text[begin..];
        let line = rest.lines().next().unwrap_or_default();
        from = begin + "-----BEGIN ".len();
        if !line.contains("PRIVATE KEY") {
            continue;
        }
        let end = rest.find("-----END ").map_or(rest.len(), |end| {
            let after = &rest[end + 9..];
            end + 9 + after.find("-----").map_or(after.len(), |close| close + 5)
        });
        spots.push((begin..begin + end, "private key"));
        from = begin + end;
    }
    spots
}

/// Passwords in addresses: `scheme://user:password@host`.
fn in_addresses(text: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (place, _) in text.match_indices("://") {
        let start = place + 3;
        let rest = &text[start..];
        let end = rest
            .find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c))
            .unwrap_or(rest.len());
        let Some((user, _)) = rest[..end].rsplit_once('@') else {
            continue;
        };
        let (secret, at) = match user.split_once(':') {
            Some((name, password)) => (password, start + name.len() + 1),
            // A token may stand in the place of the user.
            None if user.len() >= 16 => (user, start),
            None => continue,
        };
        // The mark itself has a colon.
        if !secret.is_empty() && !is_reference(secret) && !user.contains(MARK) {
            spots.push((at..at + secret.len(), "password"));
        }
    }
    spots
}

/// What is assigned to a name that says that it is a secret.
fn assigned(text: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        for (sign, _) in line.match_indices(['=', ':']) {
            let name = line[..sign].trim_end_matches(['"', '\'', ' ', '\t', ':', '?', ']']);
            let begin = name
                .rfind(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
                .map_or(0, |place| {
                    place + name[place..].chars().next().map_or(1, char::len_utf8)
                });
            let name = name[begin..].to_ascii_lowercase();
            if !SECRET_NAMES.iter().any(|part| name.contains(part)) {
                continue;
            }
            let after = &line[sign + 1..];
            let lead = after.len() - after.trim_start_matches([' ', '\t', '=', '>', ':']).len();
            if let Some(range) = value(&after[lead..]) {
                let start = line_start + sign + 1 + lead;
                spots.push((start + range.start..start + range.end, "secret"));
            }
        }
        line_start += line.len();
    }
    spots
}

/// Where the value at the beginning of a line's rest stands, if it may be a secret.
fn value(rest: &str) -> Option<Range<usize>> {
    let quote = rest.chars().next()?;
    let range = if "\"'`".contains(quote) {
        1..1 + rest[1..].find(quote)?
    } else {
        bare_value(rest)?
    };
    let value = &rest[range.clone()];
    let is_long = value.chars().count() >= VALUE_CHARACTERS_MIN;
    let is_plain = PLAIN_VALUES.contains(&value.to_ascii_lowercase().as_str());
    // Talk has spaces, and a passphrase few.
    let is_talk = value.split_whitespace().count() > 4;
    (is_long && !is_plain && !is_talk && !is_reference(value)).then_some(range)
}

/// Without quotes, a word is more often code than a secret: a type, a call, a number, a name. It
/// is taken for one where it holds a digit among other signs, or where it is all that the line
/// assigns and does not begin like a type.
fn bare_value(rest: &str) -> Option<Range<usize>> {
    let word = rest
        .trim_start_matches("Bearer ")
        .trim_start_matches("Basic ");
    let start = rest.len() - word.len();
    let length = word
        .find(|c: char| c.is_whitespace() || ",;)}]\"'`".contains(c))
        .unwrap_or(word.len());
    let bare = &word[..length];
    let is_code = bare.contains(['(', '<', '[', '&', '{']) || bare.contains("::");
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    let has_digit = bare.bytes().any(|byte| byte.is_ascii_digit());
    let is_all = word[length..].trim().is_empty() && !bare.starts_with(char::is_uppercase);
    let is_name = bare.contains('.') && !has_digit;
    (!is_code && !is_number && !is_name && (has_digit || is_all)).then_some(start..start + length)
}

/// Does the text only say where a secret is, as `${PASSWORD}` does?
fn is_reference(value: &str) -> bool {
    ["${", "$(", "{{", "{%", "<", "%(", "env:", MARK]
        .iter()
        .any(|start| value.starts_with(start))
        || value.strip_prefix(['$', '%', '{']).is_some_and(|name| {
            name.trim_end_matches(['%', '}'])
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_')
        })
        || value.chars().all(|c| "*x.".contains(c))
}

/// Words that begin like a known secret or look random.
fn words(text: &str) -> Vec<Spot> {
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

fn in_word(text: &str, range: Range<usize>) -> Option<Spot> {
    let word = &text[range.clone()];
    for (kind, beginning, more) in BEGINNINGS {
        for (place, _) in word.match_indices(beginning) {
            // Inside a longer word it is a coincidence.
            let before = word[..place].chars().next_back();
            let rest = &word[place + beginning.len()..];
            let token: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
                .collect();
            let alone = before.is_none_or(|c| !c.is_ascii_alphanumeric());
            // Words joined by hyphens, such as `sk-learn-contrib-…`, have no digit.
            let digits = token.bytes().any(|byte| byte.is_ascii_digit());
            if alone && digits && token.len() >= *more {
                let end = range.start + place + beginning.len() + token.len();
                return Some((range.start + place..end, kind));
            }
        }
    }
    let digest = ["sha1-", "sha256-", "sha384-", "sha512-", "h1:", "md5-"];
    let says_digest = digest.iter().any(|start| word.starts_with(start))
        || ["sha256:", "sha512:", "sha384:", "h1:"]
            .iter()
            .any(|before| text[..range.start].ends_with(before));
    // An address or an assignment leaves its own signs before the secret.
    let core = word.trim_start_matches(['/', '.', '-', '+', '=']);
    let start = range.end - core.len();
    (!says_digest && looks_random(core)).then_some((start..range.end, "random text"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(text: &str) -> String {
        Redactor::default().redact(text).text
    }

    /// Secrets that were never anybody's, put together so that no scanner takes them for some.
    fn planted() -> Vec<(String, String)> {
        let tail = "q7Zk2Wm9Xc4Vb8Nf3Jh6Lp1Rt5Yd0Gs2Ae";
        let in_line = |before: &str, secret: String, after: &str| {
            (format!("{before}{secret}{after}"), secret)
        };
        let mut planted: Vec<_> = BEGINNINGS
            .iter()
            .map(|(_, beginning, _)| {
                in_line("let key = \"", format!("{beginning}{tail}{tail}"), "\";")
            })
            .collect();
        planted.extend([
            in_line("password = \"", "hunter2 is mine".into(), "\""),
            in_line("DB_PASSWORD=", "s3cretValue".into(), "\nPORT=5432"),
            in_line("DB_PASSWORD=", "correcthorse".into(), "\nPORT=5432"),
            in_line("  password: ", "correcthorse".into(), "\n  port: 5432\n"),
            in_line("  \"client_secret\": \"", "abcdefghij".into(), "\","),
            in_line("Authorization: Bearer ", tail.to_owned(), "\n"),
            in_line("url = postgres://app:", "pa55word".into(), "@db.example/x"),
            in_line("git clone https://", tail.to_owned(), "@example.com/x.git"),
            in_line("aws(", format!("{tail}{tail}"), ")"),
        ]);
        planted
    }

    #[test]
    fn planted_secrets_are_taken_out_and_the_rest_stays() {
        for (text, secret) in planted() {
            let clean = redact(&text);
            assert!(!clean.contains(&secret), "{text} became {clean}");
            assert!(clean.contains(MARK), "{clean}");
            let (before, after) = text.split_once(&secret).unwrap();
            assert!(
                clean.starts_with(before) && clean.ends_with(after),
                "{clean}"
            );
        }
    }

    #[test]
    fn a_private_key_goes_whole_even_without_an_end() {
        let kind = "RSA PRIVATE";
        let key = format!("-----BEGIN {kind} KEY-----\nMIIabc\ndef\n-----END {kind} KEY-----");
        let clean = redact(&format!("a\n{key}\nb\n"));
        assert_eq!(clean, "a\n[redacted:private key]\nb\n");
        let cut = format!("a\n-----BEGIN {kind} KEY-----\nMIIabc\ndef");
        assert_eq!(redact(&cut), "a\n[redacted:private key]");
        let public = "-----BEGIN CERTIFICATE-----\nMIIabc\n-----END CERTIFICATE-----\n";
        assert_eq!(redact(public), public);
    }

    #[test]
    fn code_and_lockfiles_stay_as_they_are() {
        for text in [
            "fn check(token: &str, password: Option<String>) -> bool { token == password }",
            "let secret = std::env::var(\"API_KEY\")?;",
            "password: ${DB_PASSWORD}",
            "password: SecretStr\nmax_tokens = 4096000\ntoken: bytes\n",
            "token = request.headers.token\n",
            "const token = await readToken(request, 3);",
            "checksum = \"d07ec1b2a4d3e8f6f1c5b7a9e0d2c4b6a8f0e1d3c5b7a9f1e3d5c7b9a0f2e4d6\"",
            "\"integrity\": \"sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==\"",
            "    --hash=sha256:1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef",
            "crates/backstitch-verify/src/workbench/VariantsOfInputs2024/mod.rs",
            "import scikit_learn as sk-learn-contrib-something-very-long-indeed",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_known_key_goes_wherever_it_stands() {
        let mut redactor = Redactor::default();
        redactor.know("plain words key");
        redactor.know("short");
        let clean = redactor.redact("error: plain words key is wrong, short");
        assert_eq!(clean.text, "error: [redacted:key] is wrong, short");
        assert!(!format!("{redactor:?}").contains("plain"));
        assert!(matches!(redactor.known_only("nothing"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_clean_text_is_not_changed_by_a_second_look() {
        for (text, _) in planted() {
            let once = redact(&text);
            assert_eq!(redact(&once), once);
        }
    }

    #[test]
    fn files_of_secrets_are_known_by_their_names() {
        for name in [
            ".env",
            ".env.production",
            "prod.env",
            "server.key",
            "ID_RSA",
            ".npmrc",
        ] {
            assert!(is_secret_file(name), "{name}");
        }
        for name in [
            ".env.example",
            "environment.rs",
            "keys.rs",
            "main.py",
            "Cargo.toml",
        ] {
            assert!(!is_secret_file(name), "{name}");
        }
    }
}
