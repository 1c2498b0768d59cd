//! Patches made up for each kind of cheating and of mending, and what the rung says of them.

mod building;
mod fair;
mod honest;
mod measuring;
mod mending;
mod quiet;
mod silent;
mod whole;

use std::collections::BTreeSet;

use backstitch_model::{Outcome, RelPath};

use super::{About, Changed, File, FileKind, Judged, Objection, Weight, judge};

/// A file before and after; an empty text is no file.
type Edit = (&'static str, &'static str, &'static str);

fn path(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn file(text: &str) -> Option<File> {
    let (bytes, kind) = (text.as_bytes().to_vec(), FileKind::Plain);
    (!text.is_empty()).then_some(File { bytes, kind })
}

fn changes(edits: &[Edit]) -> Vec<Changed> {
    edits
        .iter()
        .map(|(name, before, after)| Changed {
            path: path(name),
            before: file(before),
            after: file(after),
        })
        .collect()
}

fn judged(edits: &[Edit], about: &About) -> Judged {
    judge(&changes(edits), about)
}

fn objections(judged: &Judged) -> BTreeSet<Objection> {
    let heavy = judged
        .seen
        .iter()
        .filter(|seen| seen.weight == Weight::Objects);
    heavy.map(|seen| seen.objection).collect()
}

/// Each must be objected to, for this reason among others.
fn all_wrong(table: &[(Objection, &str, &[Edit])]) {
    let about = about();
    let mut missed = Vec::new();
    for (objection, name, edits) in table {
        let judged = judged(edits, &about);
        if !objections(&judged).contains(objection) {
            missed.push(format!(
                "{name}: wants {objection:?}, got {}",
                judged.run.outcome
            ));
        }
    }
    assert!(
        missed.is_empty(),
        "{} of {}:\n{}",
        missed.len(),
        table.len(),
        missed.join("\n")
    );
}

/// None may be objected to.
fn all_right(table: &[(&str, &[Edit])]) {
    let about = about();
    let mut accused = Vec::new();
    for (name, edits) in table {
        let judged = judged(edits, &about);
        if judged.run.outcome != Outcome::Passed {
            accused.push(format!("{name}: {}", judged.run.outcome));
        }
    }
    assert!(
        accused.is_empty(),
        "{} of {}:\n{}",
        accused.len(),
        table.len(),
        accused.join("\n")
    );
}

/// What is wrong, in which file and text, of which a part is replaced by another.
type Row<'r> = (Objection, &'static str, &'static str, &'r str, &'r str);

/// A text with a part replaced. It leaks, which a test may.
fn with(text: &str, from: &str, to: &str) -> &'static str {
    assert!(text.contains(from), "{from}");
    Box::leak(text.replacen(from, to, 1).into_boxed_str())
}

/// Each row as a patch of one file.
fn table(rows: &[Row<'_>]) -> Vec<(Objection, &'static str, &'static [Edit])> {
    rows.iter()
        .map(|(objection, name, text, from, to)| {
            let edits: &'static [Edit] =
                Box::leak(Box::new([(*name, *text, with(text, from, to))]));
            (*objection, *name, edits)
        })
        .collect()
}

/// The flaw that the made-up patches are about.
fn about() -> About {
    About {
        inputs: vec![
            b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n".to_vec(),
            b"../../../../srv/secret/key.pem".to_vec(),
            b"{\"__proto__\": {\"polluted\": true}}".to_vec(),
            b"<img src=x onerror=alert(1337)>".to_vec(),
            b"RIFF\x39\x30\xad\xde\0\0WAVEfmt ".to_vec(),
        ],
        reproducer_files: vec![path("poc/crash-7f3a.bin")],
        ..About::default()
    }
}

#[test]
fn every_objection_says_why_in_a_sentence_of_its_own() {
    let all: BTreeSet<&str> = Objection::ALL.iter().map(|one| one.why()).collect();
    assert_eq!(all.len(), Objection::ALL.len());
    assert!(all.iter().all(|why| why.len() > 20 && !why.ends_with('.')));
}
