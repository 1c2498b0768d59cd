//! Text for people: what an advisory index holds.

use backstitch_find::About;

use super::escape;

/// Describes an advisory index.
pub fn index(about: &About, place: &str) -> String {
    let mut text = format!("advisories from {}\n", escape(place));
    for section in &about.sections {
        let line = format!(
            "  {:12} {:>6} records on {:>6} packages\n",
            section.ecosystem, section.records, section.packages
        );
        text.push_str(&escape(&line));
    }
    text.push_str(&format!(
        "made of  {}\n",
        escape(&about.provenance.sources.join(", "))
    ));
    text.push_str(&format!(
        "made at  {}\n",
        escape(&about.provenance.created_at)
    ));
    text.push_str(&format!("newest   {}\n", escape(&about.newest_modified)));
    text
}
