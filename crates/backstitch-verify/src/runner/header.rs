//! Owns reading cargo's headers: which test binary the lines that follow belong to.

/// A test binary, or the documentation tests of a library.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'line> {
    /// The crate's name; with ` (doc)` for documentation tests.
    pub(super) name: String,
    /// The source file, relative to its package; empty where cargo does not tell.
    pub(super) path: &'line str,
}

/// Reads `     Running unittests src/lib.rs (target/debug/deps/name-0123456789abcdef)` and
/// `   Doc-tests name`. Older cargos leave out the source file. A binary's last line may have
/// been left open, so the header need not be at the line's start.
pub(super) fn header(line: &str) -> Option<Header<'_>> {
    const RUNNING: &str = "     Running ";
    const DOCUMENTATION: &str = "   Doc-tests ";
    if let Some(start) = line.find(DOCUMENTATION) {
        let name = &line[start + DOCUMENTATION.len()..];
        let plain =
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
        return plain.then(|| Header {
            name: format!("{name} (doc)"),
            path: "",
        });
    }
    let what = &line[line.find(RUNNING)? + RUNNING.len()..];
    let (path, binary) = match what
        .strip_suffix(')')
        .and_then(|what| what.rsplit_once('('))
    {
        Some((path, binary)) => (path.trim_end(), binary),
        None => ("", what),
    };
    let path = path.strip_prefix("unittests").unwrap_or(path).trim_start();
    Some(Header {
        name: crate_name(binary)?.to_owned(),
        path,
    })
}

/// `target/debug/deps/name-0123456789abcdef` → `name`.
fn crate_name(binary: &str) -> Option<&str> {
    let (name, hash) = binary.rsplit('/').next()?.rsplit_once('-')?;
    let hashed = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hashed && !name.is_empty() && !name.contains(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, &str)> {
        header(line).map(|header| (header.name, header.path))
    }

    #[test]
    fn every_shape_of_header_is_read_and_the_hash_is_dropped() {
        let hash = "0123456789abcdef";
        for (line, name, path) in [
            (
                format!("     Running unittests src/lib.rs (target/debug/deps/a_b-{hash})"),
                "a_b",
                "src/lib.rs",
            ),
            (
                format!("     Running tests/cli.rs (target/debug/deps/cli-{hash})"),
                "cli",
                "tests/cli.rs",
            ),
            (
                format!("     Running unittests (target/debug/deps/a-{hash})"),
                "a",
                "",
            ),
            (format!("     Running target/debug/deps/a-{hash}"), "a", ""),
            (
                format!("left open     Running tests/c.rs (target/debug/deps/c-{hash})"),
                "c",
                "tests/c.rs",
            ),
            ("   Doc-tests a_b".to_owned(), "a_b (doc)", ""),
        ] {
            assert_eq!(read(&line), Some((name.to_owned(), path)), "{line}");
        }
    }

    #[test]
    fn a_line_that_names_no_test_binary_is_no_header() {
        for line in [
            "     Running `rustc --crate-name a`",
            "     Running the race",
            "Running target/debug/deps/a-0123456789abcdef",
            "   Doc-tests ",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
