//! Owns which requirements may be handed to pip: a name, extras, versions and a marker, and
//! nothing else. Pure. `fetch.py` holds the same pattern and checks once more.
//!
//! Grammar: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>, without
//! addresses: pip builds what one leads to, whatever it is told of wheels. In pip's files a line
//! can be an option, too.

/// What stands before a version; a longer one first.
const OPERATORS: &[&str] = &["===", "==", "~=", "!=", "<=", ">=", "<", ">"];
/// How a file's name ends that pip would take from the folder it is in.
const ARCHIVES: &[&str] = &[
    ".whl", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".lz", ".tlz", ".lzma",
];

/// Is this a requirement that may be handed to pip: a package from an index, on a line of its own?
pub fn is_plain(text: &str) -> bool {
    let is_printable = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    // pip begins its options at a dash after a space, quoted or not.
    if !is_printable || text.contains(" -") {
        return false;
    }
    let (package, marker) = match text.split_once(';') {
        Some((package, marker)) => (package, Some(marker)),
        None => (text, None),
    };
    is_package(package.trim_end()) && marker.is_none_or(is_marker)
}

/// `name[extras] versions`.
fn is_package(text: &str) -> bool {
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let rest = match rest.trim_start().strip_prefix('[') {
        None => rest.trim_start(),
        Some(rest) => match rest.split_once(']') {
            Some((extras, rest)) if are_extras(extras) => rest.trim_start(),
            Some(_) | None => return false,
        },
    };
    let versions = match rest.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')'),
        None => Some(rest),
    };
    is_name(name) && !is_file(name) && !is_file(text) && versions.is_some_and(are_versions)
}

fn is_file(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ARCHIVES.iter().any(|end| text.ends_with(end))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn is_name(text: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_edge) && text.ends_with(is_edge) && text.chars().all(is_of_name)
}

fn are_extras(text: &str) -> bool {
    text.trim().is_empty() || text.split(',').all(|extra| is_name(extra.trim()))
}

fn are_versions(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.split(',').all(|one| is_version(one.trim()))
}

fn is_version(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.*+!".contains(c);
    let after = OPERATORS.iter().find_map(|sign| text.strip_prefix(sign));
    let version = after.map_or("", str::trim_start);
    version.starts_with(|c: char| c.is_ascii_alphanumeric()) && version.chars().all(allowed)
}

/// Words, signs and brackets, and between quotes whatever pip's files give no meaning to.
fn is_marker(text: &str) -> bool {
    let mut quote = None;
    for c in text.chars() {
        let allowed = match quote {
            _ if "\\$#".contains(c) => false,
            Some(end) if c == end => {
                quote = None;
                true
            }
            Some(_) => true,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                true
            }
            None => c.is_ascii_alphanumeric() || " _.<>=!~()".contains(c),
        };
        if !allowed {
            return false;
        }
    }
    quote.is_none() && !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirements, and whether each is plain.
    const CASES: &[(&str, bool)] = &[
        ("hatchling", true),
        ("setuptools>=40.8.0", true),
        ("a.b_c-d [x, y-z] (>= 1.0, != 1.2.*)", true),
        ("a[]==1!2.0+local", true),
        ("backports.tarfile", true),
        (
            "a ~=1; python_version in '2.7 3.4' and (extra == \"x-y\")",
            true,
        ),
        ("a ; platform_version == 'a:b/c@d'", true),
        ("a==1 ; os_name == 'posix' or sys_platform != 'win32'", true),
        ("", false),
        ("evil @ https://example.org/x.tar.gz", false),
        ("evil@https://example.org/x.tar.gz", false),
        ("evil[x] @ file:///x", false),
        ("git+https://example.org/x", false),
        ("https://example.org/x.whl", false),
        ("./x", false),
        (".", false),
        ("..", false),
        ("x/y", false),
        ("C:x", false),
        ("-e x", false),
        ("--index-url=x", false),
        ("a --index-url=x", false),
        ("a\n--index-url=x", false),
        ("a\r--index-url=x", false),
        ("a\u{b}b", false),
        ("a\u{85}--x", false),
        ("a\u{2028}--x", false),
        ("a\n", false),
        ("a\t>=1", false),
        ("a\\", false),
        ("a>=${HOME}", false),
        ("a #b", false),
        ("a b", false),
        ("a>=", false),
        ("a>=1,", false),
        ("a(>=1", false),
        ("a[x", false),
        ("a.zip", false),
        ("a==1.tar.gz", false),
        ("a.tar.gz[x]", false),
        ("a ;", false),
        ("a ; x @ y", false),
        ("a ; x == 'y", false),
        ("a ; x == ' --hash=y'", false),
        ("a ; x == '${HOME}'", false),
        ("a ; x == 'y' # z", false),
    ];

    #[test]
    fn only_packages_of_an_index_are_handed_to_pip() {
        for (text, expected) in CASES {
            assert_eq!(is_plain(text), *expected, "{text:?}");
        }
    }

    /// Where there is no Python, there is nobody to ask.
    #[test]
    fn the_script_agrees_about_every_requirement() {
        let texts: Vec<_> = CASES.iter().map(|(text, _)| *text).collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fetch.py"), include_str!("fetch.py")).unwrap();
        let asked = std::process::Command::new("python3")
            .args([
                "-c",
                "import json, sys; from fetch import is_plain\n\
                print(json.dumps([is_plain(text) for text in json.loads(sys.argv[1])]))",
            ])
            .arg(serde_json::to_string(&texts).unwrap())
            .current_dir(folder.path())
            .output();
        let Ok(said) = asked else { return };
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.success(), "{error}");
        let answers: Vec<bool> = serde_json::from_slice(&said.stdout).unwrap();
        for ((text, expected), answer) in CASES.iter().zip(answers) {
            assert_eq!(answer, *expected, "{text:?}");
        }
    }
}
