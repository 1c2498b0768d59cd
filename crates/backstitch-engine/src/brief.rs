//! What an engine is told: the finding, what its advisory says, the code around it, who calls
//! that, and what earlier attempts came to. Bounded, and without secrets before it goes anywhere.

use std::collections::BTreeSet;

use backstitch_model::finding::VulnerableDependency;
use backstitch_model::{Finding, FindingKind, RelPath};
use serde::{Deserialize, Serialize};

use crate::redact::{Redactor, is_secret_file};
use crate::wire::head;

mod prompt;

pub use prompt::Prompt;

/// The version of the brief's form as JSON; it rises when a reader must change.
pub const FORMAT_VERSION: u32 = 1;

/// How many bytes of text count as a token when a brief is cut to size. Code has about four;
/// three leaves some room.
const BYTES_PER_TOKEN: usize = 3;

/// The longest text of one field, in bytes.
const FIELD_BYTES_MAX: usize = 256 << 10;

/// How many excerpts and attempts a brief may hold.
const ITEMS_MAX: usize = 64;

/// What an engine is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The version of this form.
    pub format: u32,
    /// What is wrong, and where.
    pub finding: FindingFacts,
    /// What is known of it in public.
    pub advisory: AdvisoryFacts,
    /// Code, the most telling first: that is the order in which it is kept where room is short.
    pub excerpts: Vec<Excerpt>,
    /// What was tried, the newest last.
    pub earlier: Vec<Attempt>,
    /// What was left out for want of room, in words.
    pub left_out: Vec<String>,
}

/// A finding, as far as an engine needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingFacts {
    /// Its fingerprint.
    pub id: String,
    /// The file it was found in.
    pub location: String,
    /// What is wrong, in a sentence.
    pub what: String,
    /// How bad it is, where that is known.
    pub severity: Option<String>,
    /// The chain of packages that leads to it, where it is in a package.
    pub chain: Vec<String>,
}

/// What an advisory says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdvisoryFacts {
    /// Every id of the flaw.
    pub ids: Vec<String>,
    /// One line on it.
    pub summary: String,
    /// Releases that are called fixed.
    pub fixed_versions: Vec<String>,
    /// Addresses to read more at.
    pub references: Vec<String>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The file.
    pub path: String,
    /// Why it is here.
    pub role: Role,
    /// The number of its first line, from 1.
    pub first_line: usize,
    /// Its text.
    pub text: String,
}

/// Why an excerpt is in a brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What is wrong is here.
    Flaw,
    /// It calls what is wrong.
    Caller,
    /// It says what the project requires.
    Manifest,
    /// It tests what is wrong.
    Test,
}

/// An earlier attempt, and what the checks said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried.
    pub change: String,
    /// What failed, in the words of the checks and of the project's own output.
    pub evidence: String,
}

/// A brief that is small enough and holds no secret that is known for one. Only this is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeBrief {
    brief: Brief,
    json: String,
    prompt: Prompt,
    redacted: BTreeSet<&'static str>,
}

impl Brief {
    /// Begins with what is known of a finding.
    pub fn of(finding: &Finding) -> Self {
        let FindingKind::VulnerableDependency(dependency) = &finding.kind;
        Self {
            format: FORMAT_VERSION,
            finding: FindingFacts {
                id: finding.id.to_string(),
                location: finding.location.to_string(),
                what: format!(
                    "{} ({}) is locked, and has a known flaw",
                    dependency.package, dependency.package.ecosystem
                ),
                severity: finding
                    .severity
                    .as_ref()
                    .map(|severity| severity.vector.vector.clone()),
                chain: dependency
                    .reach
                    .path
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            advisory: AdvisoryFacts::of(dependency),
            excerpts: Vec::new(),
            earlier: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Takes secrets out, cuts to size, and makes what is sent. Files that hold secrets by custom
    /// are left out whole. What is said to be left out is said to the engine too.
    #[expect(
        clippy::missing_panics_doc,
        reason = "texts and lists always have a form in JSON"
    )]
    pub fn made_safe(mut self, redactor: &Redactor, tokens_max: u64) -> SafeBrief {
        let mut redacted = BTreeSet::new();
        // What would never fit need not be looked through either.
        let field_bytes_max = FIELD_BYTES_MAX.min(bytes_of(tokens_max).max(4096));
        self.bound();
        self.excerpts.retain(|excerpt| {
            let name = excerpt.path.rsplit('/').next().unwrap_or_default();
            let is_secret = is_secret_file(name);
            if is_secret {
                redacted.insert("file of secrets");
            }
            !is_secret
        });
        self.each_text(&mut |text| {
            cut_after_line(text, field_bytes_max);
            let clean = redactor.redact(text);
            redacted.extend(clean.kinds);
            *text = clean.text;
        });
        let prompt = self.fit(tokens_max);
        SafeBrief {
            json: serde_json::to_string(&self).expect("texts and lists have a form in JSON"),
            brief: self,
            prompt,
            redacted,
        }
    }

    /// Leaves out what is more than a brief may hold at all.
    fn bound(&mut self) {
        if self.earlier.len() > ITEMS_MAX {
            self.earlier.drain(..self.earlier.len() - ITEMS_MAX);
            self.leave_out("older attempts".into());
        }
        if self.excerpts.len() > ITEMS_MAX {
            self.excerpts.truncate(ITEMS_MAX);
            self.leave_out("further files".into());
        }
    }

    /// Leaves out what is over: first the older attempts, then the last excerpts, then the end of
    /// the first excerpt and of the newest attempt.
    fn fit(&mut self, tokens_max: u64) -> Prompt {
        let bytes_max = bytes_of(tokens_max);
        loop {
            let prompt = Prompt::of(self);
            let Some(over) = prompt
                .bytes()
                .checked_sub(bytes_max)
                .filter(|over| *over > 0)
            else {
                return prompt;
            };
            if self.earlier.len() > 1 {
                self.earlier.remove(0);
                self.leave_out("older attempts".into());
            } else if self.excerpts.len() > 1 {
                let gone = self.excerpts.pop().map(|excerpt| excerpt.path);
                self.leave_out(format!("`{}`", gone.unwrap_or_default()));
            } else if !self.shorten(over) {
                // What is left is the finding itself, and it is small.
                return prompt;
            }
        }
    }

    /// Cuts the longest text by so much and a little more; false where there is none to cut.
    fn shorten(&mut self, over: usize) -> bool {
        let excerpts = self.excerpts.iter_mut().map(|excerpt| &mut excerpt.text);
        let attempts = self.earlier.iter_mut();
        let attempts = attempts.flat_map(|attempt| [&mut attempt.change, &mut attempt.evidence]);
        let Some(text) = excerpts.chain(attempts).max_by_key(|text| text.len()) else {
            return false;
        };
        if text.is_empty() {
            return false;
        }
        let room = text.len().saturating_sub(over + 64);
        cut(text, room);
        self.leave_out("the end of the longest text".into());
        true
    }

    fn leave_out(&mut self, what: String) {
        if !self.left_out.contains(&what) && self.left_out.len() < ITEMS_MAX {
            self.left_out.push(what);
        }
    }

    /// Every text that came from outside.
    fn each_text(&mut self, change: &mut dyn FnMut(&mut String)) {
        let finding = &mut self.finding;
        change(&mut finding.location);
        change(&mut finding.what);
        finding.severity.iter_mut().for_each(&mut *change);
        finding.chain.iter_mut().for_each(&mut *change);
        let advisory = &mut self.advisory;
        change(&mut advisory.summary);
        for list in [
            &mut advisory.ids,
            &mut advisory.fixed_versions,
            &mut advisory.references,
        ] {
            list.truncate(ITEMS_MAX);
            list.iter_mut().for_each(&mut *change);
        }
        for excerpt in &mut self.excerpts {
            change(&mut excerpt.path);
            change(&mut excerpt.text);
        }
        for attempt in &mut self.earlier {
            change(&mut attempt.change);
            change(&mut attempt.evidence);
        }
        self.left_out.iter_mut().for_each(&mut *change);
    }
}

impl AdvisoryFacts {
    fn of(dependency: &VulnerableDependency) -> Self {
        Self {
            ids: dependency.ids.iter().map(ToString::to_string).collect(),
            summary: dependency.summary.clone(),
            fixed_versions: dependency.fixed_versions.clone(),
            references: dependency.references.clone(),
        }
    }
}

impl Excerpt {
    /// A whole file.
    pub fn whole(path: &RelPath, role: Role, text: impl Into<String>) -> Self {
        Self {
            path: path.to_string(),
            role,
            first_line: 1,
            text: text.into(),
        }
    }
}

impl SafeBrief {
    /// What is in it.
    pub fn brief(&self) -> &Brief {
        &self.brief
    }

    /// The brief as JSON, for a program.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The brief in words, for a model.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// What kinds of secrets were taken out.
    pub fn redacted(&self) -> &BTreeSet<&'static str> {
        &self.redacted
    }
}

/// How many bytes of text fit into so many tokens.
fn bytes_of(tokens: u64) -> usize {
    let tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
    tokens.saturating_mul(BYTES_PER_TOKEN)
}

/// Cuts a text after the last whole line that fits, or else anywhere: a secret that is cut in two
/// may not look like one any more.
fn cut_after_line(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let start = head(text, bytes_max);
        let end = start.rfind('\n').map_or(start.len(), |line| line + 1);
        text.truncate(end);
    }
}

/// Cuts a text after at most so many bytes.
fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(head(text, bytes_max).len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::MARK;

    fn brief() -> Brief {
        Brief {
            format: FORMAT_VERSION,
            finding: FindingFacts {
                id: "f".into(),
                location: "src/a.rs".into(),
                what: "a flaw".into(),
                severity: None,
                chain: Vec::new(),
            },
            advisory: AdvisoryFacts::default(),
            excerpts: Vec::new(),
            earlier: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn excerpt(path: &str, text: String) -> Excerpt {
        Excerpt::whole(&RelPath::new(path).unwrap(), Role::Flaw, text)
    }

    fn attempt(evidence: String) -> Attempt {
        Attempt {
            change: "changed".into(),
            evidence,
        }
    }

    #[test]
    fn what_is_sent_holds_no_planted_secret_wherever_it_was() {
        let secret = "hunter2-is-mine-1";
        let planted = format!("password = \"{secret}\"");
        let mut brief = brief();
        brief.finding.what.clone_from(&planted);
        brief.finding.chain.push(planted.clone());
        brief.advisory.summary.clone_from(&planted);
        brief
            .advisory
            .references
            .push(format!("https://me:{secret}@example.com"));
        brief.excerpts.push(excerpt("src/a.rs", planted.clone()));
        brief
            .excerpts
            .push(excerpt("deploy/.env", format!("NAME={secret}")));
        brief.earlier.push(attempt(planted.clone()));
        brief.left_out.push(planted);
        let safe = brief.made_safe(&Redactor::default(), 10_000);
        for sent in [safe.json(), &safe.prompt().user, &safe.prompt().system] {
            assert!(!sent.contains(secret), "{sent}");
        }
        assert!(safe.json().contains(MARK));
        assert!(!safe.json().contains(".env"));
        assert!(safe.redacted().contains("file of secrets"));
        let back: Brief = serde_json::from_str(safe.json()).unwrap();
        assert_eq!(back, *safe.brief());
    }

    #[test]
    fn a_brief_that_is_too_long_loses_the_least_telling_first_and_says_so() {
        let mut brief = brief();
        for name in ["one.rs", "two.rs", "three.rs"] {
            brief
                .excerpts
                .push(excerpt(name, "let x = 1;\n".repeat(200)));
        }
        brief.earlier.push(attempt("old\n".repeat(500)));
        brief.earlier.push(attempt("new".into()));
        let safe = brief.made_safe(&Redactor::default(), 2_500);
        assert!(safe.prompt().bytes() <= 2_500 * BYTES_PER_TOKEN);
        let kept = safe.brief();
        assert_eq!(kept.earlier, [attempt("new".into())]);
        assert_eq!(kept.excerpts[0].path, "one.rs");
        assert!(kept.left_out.contains(&"older attempts".to_owned()));
        assert!(
            safe.prompt().user.contains("three.rs"),
            "it says what is gone"
        );
    }

    #[test]
    fn a_secret_on_the_edge_is_not_cut_into_something_else() {
        let secret = format!("AKIA{}", "Q7ZK2WM9XC4VB8NF");
        let line = format!("aws {secret}\n");
        for tokens in 100..110 {
            let mut brief = brief();
            brief.excerpts.push(excerpt("a.rs", line.repeat(400)));
            let safe = brief.made_safe(&Redactor::default(), 3_000 + tokens);
            assert!(!safe.json().contains("AKIA"), "{tokens}");
        }
    }

    #[test]
    fn one_endless_file_is_cut_and_nothing_hangs() {
        let mut brief = brief();
        brief.excerpts.push(excerpt("a.rs", "é".repeat(3 << 20)));
        brief.earlier.push(attempt("x".repeat(3 << 20)));
        let safe = brief.made_safe(&Redactor::default(), 2_000);
        assert!(safe.prompt().bytes() <= 2_000 * BYTES_PER_TOKEN);
        let tiny = self::brief().made_safe(&Redactor::default(), 0);
        assert!(tiny.prompt().user.contains("a flaw"));
    }
}
