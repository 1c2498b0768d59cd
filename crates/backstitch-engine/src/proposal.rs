//! A proposal: edits that say what text stands where, and why. Read from what a model wrote, and
//! applied to texts in memory; what does not fit exactly is refused with a sentence.

use std::collections::BTreeMap;
use std::ops::Range;

use backstitch_model::RelPath;
pub use backstitch_model::candidate::SourceEdit as Edit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::redact;
use crate::wire::bounded;

/// The most that is read of one proposal, in bytes.
pub const TEXT_BYTES_MAX: usize = 2 << 20;

/// How many edits one proposal may have.
pub const EDITS_MAX: usize = 200;

/// At how many places of a text a proposal is looked for.
const BEGINNINGS_MAX: usize = 32;

/// The longest explanation kept, in characters.
const EXPLANATION_CHARACTERS_MAX: usize = 8_000;

/// What an engine proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What to change.
    pub edits: Vec<Edit>,
    /// What was wrong, and why this fixes it.
    pub explanation: Explanation,
    /// A test that fails without the change, where the engine offers one.
    pub regression_test: Option<NewFile>,
}

/// An engine's words on its proposal. They are shown, and prove nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What was wrong.
    pub wrong: String,
    /// Why the change fixes it.
    pub fix: String,
}

/// A file that is not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes.
    pub path: RelPath,
    /// Its text.
    pub text: String,
}

/// Says in a sentence why what came back is no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// The JSON schema of a proposal, for servers that hold a model to one. Every field is required
/// and no other is allowed, since strict servers ask for that.
pub fn schema() -> Value {
    let object = |properties: Value, required: Value| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let text = json!({"type": "string"});
    let edit = object(
        json!({"path": text, "search": text, "replace": text}),
        json!(["path", "search", "replace"]),
    );
    let new_file = object(json!({"path": text, "text": text}), json!(["path", "text"]));
    object(
        json!({
            "edits": {"type": "array", "items": edit},
            "what_was_wrong": text,
            "why_this_fixes_it": text,
            "regression_test": {"anyOf": [new_file, {"type": "null"}]},
        }),
        json!([
            "edits",
            "what_was_wrong",
            "why_this_fixes_it",
            "regression_test"
        ]),
    )
}

/// A proposal as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    edits: Vec<WrittenEdit>,
    #[serde(default)]
    what_was_wrong: String,
    #[serde(default)]
    why_this_fixes_it: String,
    #[serde(default)]
    regression_test: Option<WrittenFile>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenEdit {
    path: String,
    search: String,
    replace: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenFile {
    path: String,
    text: String,
}

impl Proposal {
    /// Reads a proposal from a model's text: JSON of [`schema`], alone, in a code fence, or with
    /// talk around it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > TEXT_BYTES_MAX {
            return refuse(format!(
                "the answer has {} bytes; at most {TEXT_BYTES_MAX} are read",
                text.len()
            ));
        }
        let mut why = None;
        for start in beginnings(text) {
            // What follows the object is talk, or the end of a code fence.
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            match values.next() {
                Some(Ok(written)) => return Self::check(written),
                // The first object says best what is wrong with it.
                Some(Err(error)) => _ = why.get_or_insert(error),
                None => {}
            }
        }
        refuse(match why {
            Some(error) => format!("the answer is no proposal: {}", bounded(&error.to_string())),
            None => "the answer has no JSON object in it".into(),
        })
    }

    /// The proposal as JSON of [`schema`].
    #[expect(
        clippy::missing_panics_doc,
        reason = "texts and lists always have a form in JSON"
    )]
    pub fn to_json(&self) -> String {
        let written = Written {
            edits: self.edits.iter().map(WrittenEdit::from).collect(),
            what_was_wrong: self.explanation.wrong.clone(),
            why_this_fixes_it: self.explanation.fix.clone(),
            regression_test: self.regression_test.as_ref().map(|file| WrittenFile {
                path: file.path.to_string(),
                text: file.text.clone(),
            }),
        };
        serde_json::to_string(&written).expect("texts and lists have a form in JSON")
    }

    fn check(written: Written) -> Result<Self, Malformed> {
        if written.edits.len() > EDITS_MAX {
            return refuse(format!(
                "the proposal has {} edits; at most {EDITS_MAX} are taken",
                written.edits.len()
            ));
        }
        let edits = written.edits.into_iter().map(|edit| {
            Ok(Edit {
                path: path(edit.path)?,
                search: edit.search,
                replace: edit.replace,
            })
        });
        let test = written.regression_test.map(|file| {
            Ok(NewFile {
                path: path(file.path)?,
                text: file.text,
            })
        });
        let cut = |text: String| match text.char_indices().nth(EXPLANATION_CHARACTERS_MAX) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        };
        Ok(Self {
            edits: edits.collect::<Result<_, _>>()?,
            explanation: Explanation {
                wrong: cut(written.what_was_wrong),
                fix: cut(written.why_this_fixes_it),
            },
            regression_test: test.transpose()?,
        })
    }
}

impl From<&Edit> for WrittenEdit {
    fn from(edit: &Edit) -> Self {
        Self {
            path: edit.path.to_string(),
            search: edit.search.clone(),
            replace: edit.replace.clone(),
        }
    }
}

/// Applies edits to the files they name, and returns the new text of each file that differs. All
/// of them fit or none is applied: each search text stands in its file exactly once, as the file
/// was, and no two edits share a byte. Where a file's lines end in CRLF, an edit's do too.
pub fn apply(
    edits: &[Edit],
    files: &BTreeMap<RelPath, String>,
) -> Result<BTreeMap<RelPath, String>, Malformed> {
    let mut of_file: BTreeMap<&RelPath, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        of_file.entry(&edit.path).or_default().push(edit);
    }
    let mut changed = BTreeMap::new();
    for (path, edits) in of_file {
        let Some(before) = files.get(path) else {
            return refuse(format!(
                "an edit changes `{path}`, which is not among the files it was given"
            ));
        };
        let after = edited(path, before, &edits)?;
        if after != *before {
            changed.insert(path.clone(), after);
        }
    }
    Ok(changed)
}

fn edited(path: &RelPath, before: &str, edits: &[&Edit]) -> Result<String, Malformed> {
    let crlf = before.contains("\r\n");
    let mut places = Vec::new();
    for edit in edits {
        let (search, replace) = (ends(&edit.search, crlf), ends(&edit.replace, crlf));
        if replace.contains(redact::MARK) && !before.contains(redact::MARK) {
            return refuse(format!(
                "an edit writes a mark of the redaction, `{}`, into `{path}`",
                redact::MARK
            ));
        }
        places.push((place(path, before, &search)?, replace));
    }
    places.sort_by_key(|(range, _)| range.start);
    let mut after = String::with_capacity(before.len());
    let mut done = 0;
    for (range, replace) in places {
        if range.start < done {
            return refuse(format!("two edits of `{path}` overlap"));
        }
        after.push_str(&before[done..range.start]);
        after.push_str(&replace);
        done = range.end;
    }
    after.push_str(&before[done..]);
    Ok(after)
}

/// Where the text stands, if it does so exactly once.
fn place(path: &RelPath, text: &str, search: &str) -> Result<Range<usize>, Malformed> {
    let shown: String = search.chars().take(60).collect();
    if search.is_empty() {
        return refuse(format!("an edit of `{path}` searches for nothing"));
    }
    let Some(start) = text.find(search) else {
        return refuse(format!(
            "an edit's search text stands nowhere in `{path}`: {shown:?}"
        ));
    };
    // A second place may overlap the first, as with `aa` in `aaa`.
    let next = start + search.chars().next().map_or(1, char::len_utf8);
    if text[next..].contains(search) {
        return refuse(format!(
            "an edit's search text stands more than once in `{path}`: {shown:?}"
        ));
    }
    Ok(start..start + search.len())
}

/// A text with the line ends of the file that it goes into.
fn ends(text: &str, crlf: bool) -> String {
    if crlf {
        text.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        text.to_owned()
    }
}

/// Where a JSON object may begin: a brace before a key or before its own end.
fn beginnings(text: &str) -> impl Iterator<Item = usize> {
    let braces = text.match_indices('{').filter(|(start, _)| {
        let inside = text[start + 1..].trim_start();
        inside.starts_with(['"', '}'])
    });
    braces.map(|(start, _)| start).take(BEGINNINGS_MAX)
}

fn path(path: String) -> Result<RelPath, Malformed> {
    RelPath::new(path).map_err(|invalid| Malformed(bounded(&invalid.to_string())))
}

fn refuse<T>(why: String) -> Result<T, Malformed> {
    Err(Malformed(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<RelPath, String> {
        BTreeMap::from([(RelPath::new("a.rs").unwrap(), text.to_owned())])
    }

    fn edit(search: &str, replace: &str) -> Edit {
        Edit {
            path: RelPath::new("a.rs").unwrap(),
            search: search.into(),
            replace: replace.into(),
        }
    }

    fn applied(edits: &[Edit], text: &str) -> Result<String, String> {
        let changed = apply(edits, &files(text)).map_err(|malformed| malformed.0)?;
        Ok(changed.into_values().next().unwrap_or_default())
    }

    #[test]
    fn edits_are_applied_to_the_text_as_it_was() {
        // The first edit writes what the second searches for; only the original counts.
        let edits = [edit("one", "two"), edit("two", "three")];
        assert_eq!(applied(&edits, "one two\n").unwrap(), "two three\n");
        assert_eq!(
            applied(&[edit("a", "b"), edit("c", "d")], "ac").unwrap(),
            "bd"
        );
    }

    #[test]
    fn an_edit_that_fits_nowhere_twice_or_over_another_is_refused_with_a_sentence() {
        for (edits, text, wanted) in [
            (vec![edit("x", "y")], "abc", "nowhere"),
            (vec![edit("a", "y")], "aba", "more than once"),
            (vec![edit("aa", "y")], "aaa", "more than once"),
            (vec![edit("é", "y")], "éé", "more than once"),
            (vec![edit("", "y")], "abc", "searches for nothing"),
            (vec![edit("ab", "y"), edit("bc", "z")], "abc", "overlap"),
            (vec![edit("ab", "y"), edit("ab", "y")], "abc", "overlap"),
            (vec![edit("ab", "[redacted:a key]")], "abc", "redaction"),
        ] {
            let error = applied(&edits, text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
        let elsewhere = Edit {
            path: RelPath::new("b.rs").unwrap(),
            ..edit("a", "b")
        };
        let error = applied(&[elsewhere], "a").unwrap_err();
        assert!(error.contains("not among the files"), "{error}");
    }

    #[test]
    fn lines_keep_the_ends_that_the_file_has() {
        let edits = [edit("one\ntwo", "three\nfour")];
        assert_eq!(
            applied(&edits, "one\r\ntwo\r\n").unwrap(),
            "three\r\nfour\r\n"
        );
    }

    #[test]
    fn a_proposal_is_read_alone_in_a_fence_and_with_talk_around_it() {
        let json = r#"{"edits":[{"path":"a.rs","search":"a","replace":"```b```"}],"what_was_wrong":"w","why_this_fixes_it":"f","regression_test":{"path":"t/b.rs","text":"x"}}"#;
        let plain = Proposal::parse(json).unwrap();
        assert_eq!(plain.edits, [edit("a", "```b```")]);
        assert_eq!(
            plain.regression_test.as_ref().unwrap().path.as_str(),
            "t/b.rs"
        );
        for text in [
            format!("```json\n{json}\n```"),
            format!("Here is the fix:\n```\n{json}\n```\nHope this helps {{}}"),
            format!("With `{{}}` and {{x}} gone: {json} as asked."),
        ] {
            // The fences inside a value end nothing.
            assert_eq!(Proposal::parse(&text).unwrap(), plain, "{text}");
        }
        assert_eq!(Proposal::parse(&plain.to_json()).unwrap(), plain);
    }

    #[test]
    fn what_is_no_proposal_is_told_in_a_sentence() {
        for (text, wanted) in [
            ("", "no JSON object"),
            ("I fixed it.", "no JSON object"),
            ("{\"edits\":", "no proposal"),
            ("{\"answer\": 42}", "edits"),
            (
                "{\"edits\":[{\"path\":\"../x\",\"search\":\"a\",\"replace\":\"b\"}]}",
                "part",
            ),
            (
                "{\"edits\":[{\"path\":\"/etc/passwd\",\"search\":\"a\",\"replace\":\"b\"}]}",
                "absolute",
            ),
            (
                "{\"edits\":[],\"regression_test\":{\"path\":\"a/../../b\",\"text\":\"\"}}",
                "part",
            ),
        ] {
            let error = Proposal::parse(text).unwrap_err().0;
            assert!(error.contains(wanted), "{text}: {error}");
        }
        let many = format!(
            "{{\"edits\":[{}]}}",
            vec![r#"{"path":"a","search":"a","replace":"b"}"#; EDITS_MAX + 1].join(",")
        );
        assert!(Proposal::parse(&many).unwrap_err().0.contains("at most"));
        assert!(Proposal::parse(&"x".repeat(TEXT_BYTES_MAX + 1)).is_err());
        assert!(Proposal::parse(&"{\"edits\":".repeat(100_000)).is_err());
    }
}
