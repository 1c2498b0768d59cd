//! Raises what a `pyproject.toml` asks for by itself, where no lockfile is beside it. Only what
//! stands where requirements stand is looked at; extras, markers, comments and layout stay.

use std::collections::BTreeSet;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike, Value};

use super::super::catalogue::plain;
use super::requirements::{versions_of, with_lower_bound};
use super::{Rewrite, replaced};

/// The most requirements looked at.
const PLACES_MAX: usize = 10_000;

/// Requirements before and after, each once.
type Changed = BTreeSet<(String, String)>;

/// The text with every requirement for the package raised so that it asks for the release or a
/// later one, and what changed; `None` where it asks for no such package, or cannot be read.
pub(super) fn raise(text: &str, rewrite: &Rewrite<'_>) -> Option<(String, Changed)> {
    let document = Document::parse(text).ok()?;
    let mut places = Vec::new();
    standard(document.as_table(), text, rewrite, &mut places);
    if let Some(poetry) = at(document.as_table(), &["tool", "poetry"]) {
        poetrys(poetry, text, rewrite, &mut places);
    }
    places.sort_by_key(|place: &Range<usize>| place.start);
    places.dedup();
    let mut new = text.to_owned();
    let mut changed = Changed::new();
    for place in places.into_iter().rev() {
        let from = text.get(place.clone())?;
        // `*` of Poetry's is no bound beside another one.
        let versions = if from.trim() == "*" { "" } else { from };
        let extras = versions.find(']').map_or(0, |end| end + 1);
        let (extras, versions) = versions.split_at(extras);
        let to = format!(
            "{extras}{}",
            with_lower_bound(versions, &rewrite.to.version)?
        );
        new = replaced(&new, place, &to);
        changed.insert((from.trim().to_owned(), to.trim().to_owned()));
    }
    (!changed.is_empty()).then_some((new, changed))
}

/// Where the standard's tables ask for it.
fn standard(
    table: &dyn TableLike,
    text: &str,
    rewrite: &Rewrite<'_>,
    places: &mut Vec<Range<usize>>,
) {
    let mut lists: Vec<&Item> = Vec::new();
    if let Some(project) = at(table, &["project"]) {
        lists.extend(project.get("dependencies"));
    }
    for keys in [
        &["project", "optional-dependencies"] as &[_],
        &["dependency-groups"],
    ] {
        let groups = at(table, keys).into_iter().flat_map(TableLike::iter);
        lists.extend(groups.map(|(_, list)| list));
    }
    let uv = at(table, &["tool", "uv"]);
    lists.extend(uv.and_then(|uv| uv.get("dev-dependencies")));
    let values = lists.into_iter().filter_map(Item::as_array).flatten();
    for value in values.take(PLACES_MAX) {
        let Some(inside) = inside(value, text) else {
            continue;
        };
        let written = &text[inside.clone()];
        let end = written.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let end = end.unwrap_or(written.len());
        if plain(&written[..end]) != plain(rewrite.name) {
            continue;
        }
        // The extras are of the place, so that what changes can be found by its text.
        let Some(versions) = versions_of(written) else {
            continue;
        };
        let start = if versions.is_empty() {
            end
        } else {
            versions.start
        };
        places.push(inside.start + start..inside.start + versions.end);
    }
}

/// Where Poetry's do.
fn poetrys(
    poetry: &dyn TableLike,
    text: &str,
    rewrite: &Rewrite<'_>,
    places: &mut Vec<Range<usize>>,
) {
    let mut tables: Vec<&dyn TableLike> = Vec::new();
    tables.extend(at(poetry, &["dependencies"]));
    tables.extend(at(poetry, &["dev-dependencies"]));
    let groups = at(poetry, &["group"]).into_iter().flat_map(TableLike::iter);
    let groups = groups.filter_map(|(_, group)| at(group.as_table_like()?, &["dependencies"]));
    tables.extend(groups);
    for (name, item) in tables
        .into_iter()
        .flat_map(TableLike::iter)
        .take(PLACES_MAX)
    {
        if plain(name) != plain(rewrite.name) {
            continue;
        }
        let version = item.as_table_like().and_then(|table| table.get("version"));
        let value = version.unwrap_or(item).as_value();
        places.extend(value.and_then(|value| inside(value, text)));
    }
}

/// Where the text of a plain string stands, without its quotes.
fn inside(value: &Value, text: &str) -> Option<Range<usize>> {
    let written = value.as_str()?;
    let span = value.span()?;
    let inside = span.start + 1..span.end.checked_sub(1)?;
    // One with escapes, or on several lines, is left alone.
    (text.get(inside.clone())? == written).then_some(inside)
}

fn at<'table>(table: &'table dyn TableLike, keys: &[&str]) -> Option<&'table dyn TableLike> {
    keys.iter()
        .try_fold(table, |table, key| table.get(key)?.as_table_like())
}

#[cfg(test)]
mod tests {
    use backstitch_model::registry::Release;

    use super::super::super::catalogue::Needs;
    use super::*;

    fn raised(text: &str) -> Option<(String, Vec<(String, String)>)> {
        let release = Release {
            version: "1.5".into(),
            yanked: false,
            rust_version: None,
            runtime: None,
            published_s: None,
            requirements: Vec::new(),
            features: std::collections::BTreeMap::new(),
            checksum: None,
            install_script: false,
            files: Vec::new(),
        };
        let rewrite = Rewrite {
            name: "Some_Name",
            from: "1.0",
            to: &release,
            needs: Needs::default(),
        };
        let (text, changed) = raise(text, &rewrite)?;
        Some((text, changed.into_iter().collect()))
    }

    #[test]
    fn a_bound_goes_up_wherever_it_stands_and_everything_else_stays() {
        let text = "[project]\nname = \"some-name\" # not this\nkeywords = [\"some-name\"]\n\
                    dependencies = [\n  \"some.name[x,y] >=1,<2 ; os_name == 'nt'\", # why\n  \"other>=1\",\n]\n\
                    [project.optional-dependencies]\ntest = ['some-name']\nfast = [\"some-name[z]; os_name == 'x'\"]\n";
        let (new, changed) = raised(text).unwrap();
        assert_eq!(
            new,
            text.replace(" >=1,<2 ;", " >=1.5,<2 ;")
                .replace("['some-name']", "['some-name>=1.5']")
                .replace("some-name[z];", "some-name[z]>=1.5;")
        );
        let told: Vec<_> = changed
            .iter()
            .map(|(from, to)| (from.as_str(), to.as_str()))
            .collect();
        assert_eq!(
            told,
            [("", ">=1.5"), (">=1,<2", ">=1.5,<2"), ("[z]", "[z]>=1.5")]
        );
    }

    #[test]
    fn poetrys_requirements_keep_their_own_style() {
        let text = "[tool.poetry.dependencies]\nsome-name = { version = \"^1.0\", extras = [\"x\"] }\n\
                    [tool.poetry.group.dev.dependencies]\nSome_Name = \"*\"\n";
        let (new, _) = raised(text).unwrap();
        assert_eq!(
            new,
            text.replace("\"^1.0\"", "\"^1.0,>=1.5\"")
                .replace("\"*\"", "\">=1.5\"")
        );
    }

    #[test]
    fn what_asks_for_no_such_package_or_hides_it_is_left_alone() {
        for text in [
            "[project]\ndependencies = [\"some-name-2\"]\n",
            "[project]\ndependencies = [\"some\\u002dname\"]\n",
            "[project]\ndependencies = [\"some-name @ https://example.org/x\"]\n",
            "[tool.x]\nsome-name = \"^1\"\n",
            "not toml",
        ] {
            assert_eq!(raised(text), None, "{text}");
        }
    }
}
