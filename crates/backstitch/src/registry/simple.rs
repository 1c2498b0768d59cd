//! Reads a page of Python's simple index, as JSON or as HTML, into the files that it lists. Pure.
//!
//! Formats: <https://packaging.python.org/en/latest/specifications/simple-repository-api/>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many files one page may list; the largest projects have some thousands.
const FILES_MAX: usize = 200_000;

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) sha256: Option<String>,
    /// `Requires-Python`.
    pub(super) python: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) uploaded: Option<String>,
    pub(super) yanked: bool,
}

/// Reads a page; `at` is its address, since it may name files from there.
pub(super) fn parse(at: &str, content_type: &str, body: &[u8]) -> Result<Vec<File>, String> {
    let mut files = if content_type.contains("json") {
        json(body)?
    } else {
        html(&String::from_utf8_lossy(body))
    };
    files.truncate(FILES_MAX);
    for file in &mut files {
        file.url = resolve(at, &file.url);
    }
    Ok(files)
}

#[derive(Deserialize)]
struct Page {
    files: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    #[serde(default)]
    requires_python: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    upload_time: Option<String>,
    /// A reason, or whether it is.
    #[serde(default)]
    yanked: Value,
}

fn json(body: &[u8]) -> Result<Vec<File>, String> {
    let page: Page = serde_json::from_slice(body)
        .map_err(|error| format!("the index's answer cannot be read: {error}"))?;
    let files = page.files.into_iter().map(|listed| File {
        name: listed.filename,
        url: listed.url,
        sha256: listed.hashes.get("sha256").cloned(),
        python: listed.requires_python,
        bytes: listed.size,
        uploaded: listed.upload_time,
        yanked: matches!(listed.yanked, Value::Bool(true) | Value::String(_)),
    });
    Ok(files.collect())
}

/// Every `<a href=…>name</a>`; whatever else a page holds means nothing.
fn html(text: &str) -> Vec<File> {
    let mut files = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("<a").filter(|_| files.len() < FILES_MAX) {
        rest = &rest[start + 2..];
        let Some(end) = tag_end(rest) else { break };
        let attributes = attributes(&rest[..end]);
        rest = &rest[end + 1..];
        let name = rest.split('<').next().unwrap_or_default().trim();
        let Some(href) = attributes.get("href") else {
            continue;
        };
        let (url, hash) = href.split_once('#').unwrap_or((href, ""));
        files.push(File {
            name: unescaped(name),
            url: url.to_owned(),
            sha256: hash.strip_prefix("sha256=").map(str::to_owned),
            python: attributes.get("data-requires-python").cloned(),
            bytes: None,
            uploaded: None,
            yanked: attributes.contains_key("data-yanked"),
        });
    }
    files
}

/// Where a tag ends: at a `>` outside quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    let mut rest = tag.trim_start();
    while !rest.is_empty() {
        let length = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        let mut value = "";
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (inside, left) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            (value, rest) = (inside, left.trim_start());
        }
        attributes.insert(name.to_ascii_lowercase(), unescaped(value));
    }
    attributes
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// The address that `link` names on a page at `at`.
fn resolve(at: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let scheme_end = at.find("://").map_or(0, |found| found + 3);
    if let Some(rest) = link.strip_prefix("//") {
        return format!("{}{rest}", &at[..scheme_end]);
    }
    let host_end = at[scheme_end..]
        .find('/')
        .map_or(at.len(), |found| scheme_end + found);
    if link.starts_with('/') {
        return format!("{}{link}", &at[..host_end]);
    }
    let mut parts: Vec<&str> = at[host_end..].trim_start_matches('/').split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{}/{}", &at[..host_end], parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "https://example.org/root/simple/idna/";

    #[test]
    fn both_forms_of_a_page_say_the_same() {
        let json = br#"{"meta": {"api-version": "1.1"}, "files": [{"filename": "idna-3.7.tar.gz",
            "url": "../../files/idna-3.7.tar.gz", "hashes": {"sha256": "aa"}, "size": 5,
            "requires-python": ">=3.5", "upload-time": "2024-04-11T03:34:41Z", "yanked": "bad"}]}"#;
        let html = br#"<!DOCTYPE html><html><body><h1>Links</h1>
            <a href="../../files/idna-3.7.tar.gz#sha256=aa" data-requires-python="&gt;=3.5"
               data-yanked="">idna-3.7.tar.gz</a><br/></body></html>"#;
        let from_json = parse(AT, "application/vnd.pypi.simple.v1+json", json).unwrap();
        let mut from_html = parse(AT, "text/html; charset=UTF-8", html).unwrap();
        assert_eq!(
            from_json[0].url,
            "https://example.org/root/files/idna-3.7.tar.gz"
        );
        from_html[0].bytes = Some(5);
        from_html[0].uploaded = Some("2024-04-11T03:34:41Z".into());
        assert_eq!(from_json, from_html);
    }

    #[test]
    fn links_lead_where_a_browser_would_go() {
        for (link, expected) in [
            ("https://other.example/a", "https://other.example/a"),
            ("//other.example/a", "https://other.example/a"),
            ("/a", "https://example.org/a"),
            ("a", "https://example.org/root/simple/idna/a"),
            ("../../../../../a", "https://example.org/a"),
        ] {
            assert_eq!(resolve(AT, link), expected, "{link}");
        }
    }

    #[test]
    fn broken_pages_are_read_without_a_panic() {
        assert!(parse(AT, "application/json", b"{").is_err());
        for page in [
            "<a",
            "<a href=\"x",
            "<a href>é</a>",
            "<a =>",
            "<a href='a'b>x",
        ] {
            assert!(parse(AT, "text/html", page.as_bytes()).is_ok(), "{page}");
        }
    }
}
