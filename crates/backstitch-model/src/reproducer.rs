//! A reproducer: a small program that tells whether a flaw is there, and what its runs amount to.

use crate::advisory::AdvisoryId;
use crate::check::Outcome;
use crate::finding::VulnerableDependency;
use crate::package::Ecosystem;

/// The exit code of a reproducer that sees the flaw.
pub const EXIT_PRESENT: i32 = 42;

/// The variable whose value a reproducer prints when it has come to its end.
pub const TOKEN_VARIABLE: &str = "BACKSTITCH_TOKEN";

/// A harmless program bound to the advisories of one package. It ends with 0 where the flaw is
/// absent and with [`EXIT_PRESENT`] where it is present; any other end says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproducer {
    /// Its folder's name.
    pub name: String,
    /// Every id of the flaw; at least one.
    pub advisories: Vec<AdvisoryId>,
    /// The package's ecosystem.
    pub ecosystem: Ecosystem,
    /// The package, as its registry writes it.
    pub package: String,
    /// What is there when the flaw is, as a sentence without capital and full stop.
    pub shows: String,
    /// The program.
    pub program: Program,
    /// The inputs that show the flaw, each given as the only argument; none where the program
    /// needs none.
    pub inputs: Vec<String>,
    /// The most that one run may take, in seconds.
    pub time_limit_s: u64,
    /// Features of the package that must be on, where the ecosystem knows any.
    pub features: Vec<String>,
    /// Where it was seen red and where green.
    pub seen: Option<Seen>,
}

/// A reproducer's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The file's name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A release with the flaw and one without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The release with the flaw.
    pub vulnerable: String,
    /// The release without.
    pub fixed: String,
    /// What is installed beside either, where the newest that it may be used with does not fit.
    pub requires: Vec<String>,
}

/// What one run of a reproducer told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The input it was given.
    pub input: Option<String>,
    /// What it saw.
    pub sight: Sight,
}

/// What a reproducer saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// The flaw.
    Present,
    /// No flaw, though it looked.
    Absent,
    /// It could not tell; why.
    Inconclusive(String),
}

impl Reproducer {
    /// Is it about this dependency's flaw?
    pub fn is_about(&self, dependency: &VulnerableDependency) -> bool {
        self.ecosystem == dependency.package.ecosystem
            && same_name(&self.ecosystem, &self.package, &dependency.package.name)
            && self.advisories.iter().any(|id| dependency.ids.contains(id))
    }

    /// Does it say when it has come to its end? Then a run that did not say so tells nothing: a
    /// package that merely ends the process is not taken for a mended one.
    pub fn says_when_done(&self) -> bool {
        self.program.text.contains(TOKEN_VARIABLE)
    }

    /// What its runs on an untouched tree amount to: [`Outcome::Failed`] is red.
    pub fn judge_before(&self, sightings: &[Sighting]) -> Outcome {
        let present = count_present(sightings);
        if present > 0 {
            return Outcome::Failed(self.told(present, sightings.len()));
        }
        inconclusive(sightings).unwrap_or(Outcome::Passed)
    }

    /// What its runs on a changed tree amount to, where it was red before.
    pub fn judge_after(&self, sightings: &[Sighting]) -> Outcome {
        let present = count_present(sightings);
        if present > 0 {
            let still = self.told(present, sightings.len());
            return Outcome::Failed(format!("the flaw is still there: {still}"));
        }
        inconclusive(sightings).unwrap_or(Outcome::Passed)
    }

    fn told(&self, present: usize, of: usize) -> String {
        match of {
            1 => format!("`{}`: {}", self.name, self.shows),
            of => format!("`{}`: {} ({present} of {of} inputs)", self.name, self.shows),
        }
    }
}

/// What the runs of variants on a changed tree amount to; `before` are the same on the untouched
/// one. A variant that cannot be told counts neither way.
pub fn judge_variants(before: &[Sighting], after: &[Sighting]) -> Outcome {
    if let Some(seen) = after.iter().find(|seen| seen.sight == Sight::Present) {
        let input = seen.input.as_deref().unwrap_or_default();
        return Outcome::Failed(format!(
            "only the listed input is stopped: a variant (`{}`) shows the flaw",
            // The mark at its end stays the only one, so that the text can be taken out again.
            input
                .chars()
                .take(80)
                .collect::<String>()
                .escape_debug()
                .to_string()
                .replace('`', "\\u{60}")
        ));
    }
    let red = count_present(before);
    if red == 0 {
        return Outcome::NotRun("no variant of the input showed the flaw before".into());
    }
    let told = |variant: &Sighting| {
        let now = after.iter().find(|now| now.input == variant.input);
        now.is_some_and(|now| now.sight == Sight::Absent)
    };
    let mut were_red = before.iter().filter(|seen| seen.sight == Sight::Present);
    if were_red.any(told) {
        Outcome::Passed
    } else {
        Outcome::NotRun("no variant that showed the flaw before could be told after".into())
    }
}

fn count_present(sightings: &[Sighting]) -> usize {
    let present = sightings.iter().filter(|seen| seen.sight == Sight::Present);
    present.count()
}

/// The first run that could not tell; nothing at all is no answer either.
fn inconclusive(sightings: &[Sighting]) -> Option<Outcome> {
    if sightings.is_empty() {
        return Some(Outcome::NotRun("the reproducer was not run".into()));
    }
    sightings.iter().find_map(|seen| match &seen.sight {
        Sight::Inconclusive(why) => Some(Outcome::NotRun(format!(
            "the reproducer could not tell: {why}"
        ))),
        Sight::Present | Sight::Absent => None,
    })
}

/// The Python index takes names for the same that differ in case and in `-`, `_` and `.` (PEP 503).
fn same_name(ecosystem: &Ecosystem, one: &str, other: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    one == other || *ecosystem == Ecosystem::PyPi && plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reproducer() -> Reproducer {
        Reproducer {
            name: "a-flaw".into(),
            advisories: Vec::new(),
            ecosystem: Ecosystem::Npm,
            package: "a".into(),
            shows: "a flag is set".into(),
            program: Program {
                name: "check.cjs".into(),
                text: String::new(),
            },
            inputs: Vec::new(),
            time_limit_s: 30,
            features: Vec::new(),
            seen: None,
        }
    }

    fn seen(input: &str, sight: Sight) -> Sighting {
        Sighting {
            input: Some(input.into()),
            sight,
        }
    }

    fn unclear() -> Sight {
        Sight::Inconclusive("exit code 1".into())
    }

    #[test]
    fn one_input_that_shows_the_flaw_is_red_and_all_must_be_green() {
        let reproducer = reproducer();
        let mixed = [seen("a", Sight::Present), seen("b", unclear())];
        assert!(matches!(
            reproducer.judge_before(&mixed),
            Outcome::Failed(_)
        ));
        assert!(matches!(reproducer.judge_after(&mixed), Outcome::Failed(_)));
        let half = [seen("a", Sight::Absent), seen("b", unclear())];
        assert!(matches!(reproducer.judge_after(&half), Outcome::NotRun(_)));
        let green = [seen("a", Sight::Absent), seen("b", Sight::Absent)];
        assert_eq!(reproducer.judge_after(&green), Outcome::Passed);
        assert!(matches!(reproducer.judge_after(&[]), Outcome::NotRun(_)));
    }

    #[test]
    fn variants_pass_only_where_one_was_red_and_none_is() {
        let red = [seen("a", Sight::Present), seen("b", Sight::Absent)];
        let green = [seen("a", Sight::Absent), seen("b", Sight::Absent)];
        assert_eq!(judge_variants(&red, &green), Outcome::Passed);
        assert!(matches!(judge_variants(&green, &green), Outcome::NotRun(_)));
        assert!(matches!(judge_variants(&green, &red), Outcome::Failed(_)));
        let lost = [seen("a", unclear()), seen("b", Sight::Absent)];
        assert!(matches!(judge_variants(&red, &lost), Outcome::NotRun(_)));
    }
}
