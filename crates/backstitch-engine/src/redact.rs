//! Takes secrets out of what leaves the machine or is written to a log: keys, tokens, passwords
//! and private keys, by their known beginnings, by what they are assigned to, and by how random
//! they look. Works on texts; where in doubt it takes out.
//!
//! The digests of lockfiles look as random as keys do, and an engine needs them no more than it
//! needs keys; those that say what they are stay, since a brief is easier to read with them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::wire::head;

mod assigned;
mod words;

/// How every mark begins that stands in a secret's place.
pub const MARK: &str = "[redacted:";

/// The shortest known secret that is looked for: a shorter one would be found in words.
const KNOWN_BYTES_MIN: usize = 8;

/// How far a private key's first line is looked at, in bytes.
const ARMOUR_BYTES_MAX: usize = 100;

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
    pub fn is_in(&self, bytes: &[u8]) -> bool {
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
        spots.extend(assigned::spots(&known));
        spots.extend(words::spots(&known));
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
        let line = head(rest, ARMOUR_BYTES_MAX)
            .lines()
            .next()
            .unwrap_or_default();
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
        if !secret.is_empty() && !assigned::is_reference(secret) && !user.contains(MARK) {
            spots.push((at..at + secret.len(), "password"));
        }
    }
    spots
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
        let mut planted: Vec<_> = words::BEGINNINGS
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
            in_line(
                "const API_TOKEN: &str = \"",
                "hunter2-hunter2".into(),
                "\";",
            ),
            in_line("let password: String = \"", "hunter".into(), "\".into();"),
            in_line(".header(\"X-Api-Key\", \"", "hunter2-hunter2".into(), "\")"),
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
            "\"js-tokens\": \"^4.0.0\",\ntoken-stream = \"1.2.3\"\n",
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
    fn no_text_makes_the_search_endless() {
        let began = std::time::Instant::now();
        for piece in [
            "sk-",
            "-----BEGIN ",
            "token=",
            "token=(",
            "token=\"",
            "://",
            "a@",
            "password:'",
            "eyJ.",
            "token=X",
            "token=x,",
            "token::",
            "-----BEGIN PRIVATE KEY",
            "\"",
        ] {
            let many = piece.repeat((48 << 10) / piece.len());
            redact(&format!("{many} {many}"));
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(60));
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
