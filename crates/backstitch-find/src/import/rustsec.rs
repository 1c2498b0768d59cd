//! Advisories of the RustSec database: Markdown whose first block is TOML
//! (<https://github.com/rustsec/advisory-db/blob/main/CONTRIBUTING.md>).

use backstitch_model::advisory::{Affected, SeverityVector};
use backstitch_model::package::Ecosystem;
use backstitch_model::{Advisory, AdvisoryId};
use serde::Deserialize;

use super::{intervals, osv};

const OPENING: &str = "```toml";
const CLOSING: &str = "\n```";

#[derive(Deserialize)]
struct FrontMatter {
    advisory: Header,
    versions: Option<Versions>,
}

#[derive(Deserialize)]
struct Header {
    id: String,
    package: String,
    date: String,
    withdrawn: Option<String>,
    /// What `withdrawn` was called before it had a date.
    #[serde(default)]
    yanked: bool,
    url: Option<String>,
    informational: Option<String>,
    cvss: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Reads one advisory; `None`, told in `problems`, where it is none.
pub(super) fn parse(markdown: &[u8], problems: &mut Vec<String>) -> Option<Advisory> {
    match read(markdown, problems) {
        Ok(advisory) => Some(advisory),
        Err(what) => {
            problems.push(what);
            None
        }
    }
}

fn read(markdown: &[u8], problems: &mut Vec<String>) -> Result<Advisory, String> {
    let text = std::str::from_utf8(markdown).map_err(|_| "it is not UTF-8")?;
    let (front, body) = split(text).ok_or("it does not begin with a block of TOML")?;
    let front: FrontMatter =
        toml::from_str(front).map_err(|error| format!("its TOML: {}", error.message()))?;
    let header = front.advisory;
    let id = AdvisoryId::new(header.id).map_err(|error| error.to_string())?;
    let versions = front.versions.unwrap_or_default();
    let withdrawn = header
        .withdrawn
        .or_else(|| header.yanked.then(|| header.date.clone()));
    let ranges = intervals::affected(&versions.patched, &versions.unaffected)
        .map_err(|what| format!("{id}: {what}"))?;
    Ok(Advisory {
        aliases: osv::aliases(header.aliases, &id, problems),
        published: midnight(&header.date),
        // The database keeps no date of change in the file; its repository does.
        modified: midnight(withdrawn.as_ref().unwrap_or(&header.date)),
        withdrawn: withdrawn.as_deref().map(midnight),
        summary: osv::first_line(body),
        affected: vec![Affected {
            ecosystem: Ecosystem::CratesIo,
            package: header.package,
            ranges: ranges.into_iter().collect(),
            versions: Vec::new(),
            informational: header.informational.as_deref().map(osv::informational),
        }],
        severities: header.cvss.map(severity).into_iter().collect(),
        weaknesses: Vec::new(),
        references: references(&id, header.url, header.references),
        id,
    })
}

fn split(text: &str) -> Option<(&str, &str)> {
    text.trim_start_matches(['\u{feff}', '\n', '\r', ' '])
        .strip_prefix(OPENING)?
        .split_once(CLOSING)
}

fn midnight(date: &str) -> String {
    format!("{}T00:00:00Z", date.chars().take(32).collect::<String>())
}

fn severity(vector: String) -> SeverityVector {
    let system = match vector.get(..7) {
        Some("CVSS:4.") => "CVSS_V4",
        Some("CVSS:3.") => "CVSS_V3",
        Some(_) | None => "CVSS_V2",
    };
    SeverityVector {
        system: system.to_owned(),
        vector,
    }
}

fn references(id: &AdvisoryId, url: Option<String>, others: Vec<String>) -> Vec<String> {
    std::iter::once(format!("https://rustsec.org/advisories/{id}.html"))
        .chain(url)
        .chain(others)
        .collect()
}
