//! What an HTTP client must send to be let in. Never printed where a file holds it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::answer::random_hex;

/// How many random bytes a token has.
const BYTES: usize = 32;
/// The longest file that holds one, in bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// The shortest token that is taken, in characters.
const CHARS_MIN: usize = 32;
/// No bit but the owner's.
const OTHERS: u32 = 0o077;

/// A token.
pub struct Token {
    text: String,
    is_new: bool,
}

impl Token {
    /// The file's token, which is made where it is missing; a new one where no file is named.
    pub fn open(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self {
                text: random_hex(BYTES)?,
                is_new: true,
            });
        };
        let text = match make(file) {
            Ok(text) => text,
            Err(error) if is_there(&error) => read(file)?,
            Err(error) => return Err(error),
        };
        Ok(Self {
            text,
            is_new: false,
        })
    }

    /// The text, where the user cannot know it from a file.
    pub fn to_be_printed(&self) -> Option<&str> {
        self.is_new.then_some(self.text.as_str())
    }

    /// Is this the value of an `Authorization` header that has it (RFC 6750, 2.1)? Takes as long
    /// whichever part is wrong.
    pub fn is_in(&self, header: &[u8]) -> bool {
        let Some((scheme, text)) = header.split_at_checked("Bearer ".len()) else {
            return false;
        };
        let is_bearer = scheme.eq_ignore_ascii_case(b"bearer ");
        // Digests are compared in constant time.
        is_bearer & (blake3::hash(text.trim_ascii()) == blake3::hash(self.text.as_bytes()))
    }
}

fn is_there(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists)
}

/// Writes a new one where no file is yet.
fn make(file: &Path) -> Result<String> {
    let about = || format!("make token file `{}`", file.display());
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(about)?;
    let text = random_hex(BYTES)?;
    writeln!(made, "{text}").with_context(about)?;
    Ok(text)
}

fn read(file: &Path) -> Result<String> {
    let about = || format!("read token file `{}`", file.display());
    let opened = File::open(file).with_context(about)?;
    let meta = opened.metadata().with_context(about)?;
    ensure!(
        meta.is_file() && meta.mode() & OTHERS == 0,
        "{}: others may read it; `chmod 600` makes it yours alone",
        about()
    );
    let mut text = String::new();
    opened
        .take(FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .with_context(about)?;
    let text = text.trim();
    ensure!(
        text.chars().count() >= CHARS_MIN && text.bytes().all(|byte| byte.is_ascii_graphic()),
        "{}: it holds no token of at least {CHARS_MIN} characters",
        about()
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_whole_token_is_let_in() {
        let token = Token::open(None).unwrap();
        let text = token.to_be_printed().unwrap().to_owned();
        assert_eq!(text.len(), 2 * BYTES);
        assert!(token.is_in(format!("Bearer {text}").as_bytes()));
        assert!(token.is_in(format!("bearer  {text} ").as_bytes()));
        for header in ["", "Bearer", "Bearer ", &text, &format!("Basic {text}")] {
            assert!(!token.is_in(header.as_bytes()), "{header}");
        }
        assert!(!token.is_in(format!("Bearer {}", &text[1..]).as_bytes()));
        assert!(!token.is_in(format!("Bearer {text}0").as_bytes()));
        let other = Token::open(None).unwrap();
        assert_ne!(other.to_be_printed(), Some(text.as_str()));
    }

    #[test]
    fn a_file_keeps_it_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let first = Token::open(Some(&file)).unwrap();
        assert_eq!(first.to_be_printed(), None);
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(Token::open(Some(&file)).unwrap().text, first.text);
        let refused = |why: &str| {
            let error = Token::open(Some(&file)).err().unwrap();
            assert!(format!("{error:#}").contains(why), "{error:#}");
        };
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        refused("others may read it");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "short\n").unwrap();
        refused("no token");
        let missing = folder.path().join("no/such/token");
        assert!(Token::open(Some(&missing)).is_err());
    }
}
