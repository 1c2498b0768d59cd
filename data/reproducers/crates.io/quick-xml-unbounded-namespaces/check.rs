//! Shows that one tag may declare any number of namespaces, which the reader then holds.
//! Numbers the attribute name given as argument and uses the last declaration in the tag's name.

use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

const DECLARATIONS: usize = 5_000;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

/// Whether a tag may use the last of so many declarations of its own.
fn last_is_held(prefix: &str, count: usize) -> bool {
    let declarations: String = (1..=count)
        .map(|number| format!(" xmlns:{prefix}{number}=\"urn:{number}\""))
        .collect();
    let document = format!("<{prefix}{count}:tag{declarations}/>");
    let mut reader = NsReader::from_str(&document);
    let tag = reader.read_resolved_event();
    matches!(tag, Ok((ResolveResult::Bound(_), Event::Empty(_))))
}

fn main() {
    assert!(last_is_held("p", 3));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let attribute = argument.to_string_lossy();
    let Some(prefix) = attribute.strip_prefix("xmlns:") else {
        end(false)
    };
    let letter = |c: char| c.is_ascii_alphabetic() || c == '-';
    if !prefix.starts_with(|c: char| c.is_ascii_alphabetic()) || !prefix.chars().all(letter) {
        end(false);
    }
    let held = last_is_held(prefix, DECLARATIONS);
    println!("{DECLARATIONS} declarations held: {held}");
    end(held)
}
