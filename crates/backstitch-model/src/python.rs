//! How a Python project says which Pythons it runs with. Lexical and pure: it finds the words in
//! a file's text and takes the least release out of them; whether a release fits is decided
//! elsewhere.

/// The name of a Python project's manifest.
pub const MANIFEST: &str = "pyproject.toml";

/// How an extra or a group of requirements is called that a project's tests use.
const FOR_TESTS: [&str; 8] = [
    "test",
    "tests",
    "testing",
    "dev",
    "develop",
    "development",
    "all-tests",
    "unit",
];

/// Is an extra or a group of requirements, by its name, one that tests use?
pub fn is_for_tests(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '.'], "-");
    FOR_TESTS.contains(&name.as_str())
}

/// The range of Pythons that a file states, as written: `requires-python` of `pyproject.toml`
/// and of `uv.lock`, `python` among Poetry's dependencies, `python-versions` of `poetry.lock`,
/// `python_requires` of `setup.cfg`.
pub fn stated(file_name: &str, text: &str) -> Option<String> {
    let keys: &[(&str, &str)] = match file_name {
        MANIFEST => &[
            ("[project]", "requires-python"),
            ("[tool.poetry.dependencies]", "python"),
        ],
        "uv.lock" => &[("", "requires-python")],
        "poetry.lock" => &[("[metadata]", "python-versions")],
        "setup.cfg" => &[("[options]", "python_requires")],
        _ => return None,
    };
    keys.iter()
        .find_map(|(section, key)| value(text, section, key))
}

fn value(text: &str, section: &str, key: &str) -> Option<String> {
    let mut here = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            here = line;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| here == section) else {
            continue;
        };
        if name.trim() == key {
            let value = value.split('#').next().unwrap_or(value).trim();
            return Some(value.trim_matches(['"', '\'']).trim().to_owned());
        }
    }
    None
}

/// The least release that a range admits, such as `3.7` of `>=3.7,<4` and of `^3.7`; `None`
/// where it has no lower end.
pub fn least(range: &str) -> Option<String> {
    let ends = range.split("||").map(lower_end);
    let least = ends.min()??;
    let parts: Vec<_> = least.iter().map(ToString::to_string).collect();
    Some(parts.join("."))
}

/// The highest lower end among the parts of one range.
fn lower_end(range: &str) -> Option<Vec<u64>> {
    range.split(',').filter_map(lower_end_of).max()
}

fn lower_end_of(part: &str) -> Option<Vec<u64>> {
    let part = part.trim();
    if part.starts_with(['<', '!']) {
        return None;
    }
    let above = part.starts_with('>') && !part.starts_with(">=");
    let bare = part.trim_start_matches(['^', '~', '>', '=', ' ']);
    let bare = bare.trim_end_matches(".*");
    let mut numbers: Vec<u64> = bare
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    if above && let Some(last) = numbers.last_mut() {
        *last = last.saturating_add(1);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_any_style_has_its_least_release() {
        for (range, expected) in [
            (">=3.7", Some("3.7")),
            ("^3.7", Some("3.7")),
            (">=3.8,<4.0", Some("3.8")),
            ("!=3.9.0, >= 3.7", Some("3.7")),
            ("~=3.9.1", Some("3.9.1")),
            ("~2.7 || ^3.6", Some("2.7")),
            ("==3.11.*", Some("3.11")),
            (">3.6", Some("3.7")),
            ("<4", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(least(range).as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn each_file_states_it_in_its_own_words() {
        for (name, text, expected) in [
            (
                "pyproject.toml",
                "[project]\nrequires-python = \">=3.8\" # why\n",
                ">=3.8",
            ),
            (
                "pyproject.toml",
                "[tool.poetry.dependencies]\npython = '^3.7'\n",
                "^3.7",
            ),
            (
                "setup.cfg",
                "[options]\npython_requires = >= 3.6\n",
                ">= 3.6",
            ),
            (
                "uv.lock",
                "version = 1\nrequires-python = \">=3.12\"\n",
                ">=3.12",
            ),
            (
                "poetry.lock",
                "[metadata]\npython-versions = \"^3.7\"\n",
                "^3.7",
            ),
        ] {
            assert_eq!(stated(name, text).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(stated("pyproject.toml", "[tool.x]\npython = \"3\"\n"), None);
    }
}
