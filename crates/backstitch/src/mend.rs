//! Mends a weakness of a project's own code: the engines propose, and the judge judges that as it
//! does anyone's change. What failed is told with the next question.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use backstitch_engine::Proposal;
use backstitch_model::candidate::SourceEdit;
use backstitch_model::evidence::Evidence;
use backstitch_model::policy::Inputs;
use backstitch_model::verdict::{Conclusion, Verdict};
use backstitch_model::weakness::{REPRODUCER, Weakness};
use backstitch_model::{FindingId, RelPath, TreeReproducer};

use crate::engines::{self, Asker, Desk};
use crate::judge::{self, Added, Addition, Given, Judgement};
use crate::wire;

/// The most weaknesses that one run takes up.
const FLAWS_MAX: usize = 1000;
/// How much of an input an engine is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 600;
/// The longest word of a command that an engine is shown: a script is given by its whole text.
const WORD_BYTES_MAX: usize = 100;

/// A weakness that a user names, and what shows it.
#[derive(Debug, Clone)]
pub struct Flaw {
    /// What is wrong.
    pub weakness: Weakness,
    /// Shows it, where one was given.
    pub reproducer: Option<TreeReproducer>,
}

/// The weaknesses that a run takes up.
#[derive(Debug, Default)]
pub struct Flaws {
    /// In the order in which they were named.
    pub all: Vec<Flaw>,
    /// How many more there are, which `only` leaves out.
    pub unasked: usize,
}

impl Flaws {
    /// Of what was reported and is asked for, each once. A reproducer shows the one that is asked
    /// for; where that is not one, it is a weakness of its own.
    pub fn of(
        reported: Vec<Weakness>,
        reproducer: Option<TreeReproducer>,
        only: &[String],
    ) -> Result<Self> {
        let is_asked = |weakness: &Weakness| {
            only.is_empty() || only.iter().any(|name| weakness.is_called(name))
        };
        let mut known = BTreeSet::new();
        let mut flaws = Self::default();
        for weakness in reported {
            if !known.insert(weakness.id.clone()) {
                continue;
            }
            if is_asked(&weakness) {
                flaws.all.push(Flaw {
                    weakness,
                    reproducer: None,
                });
            } else {
                flaws.unasked += 1;
            }
        }
        match (reproducer, flaws.all.as_mut_slice()) {
            (None, _) => {}
            (Some(reproducer), [only]) => only.reproducer = Some(reproducer),
            (Some(reproducer), _) => flaws.all.push(Flaw {
                weakness: shown_by(&reproducer),
                reproducer: Some(reproducer),
            }),
        }
        ensure!(
            flaws.all.len() <= FLAWS_MAX,
            "take up {} weaknesses: at most {FLAWS_MAX} are in one run; name some with `--only`",
            flaws.all.len()
        );
        Ok(flaws)
    }
}

impl Flaws {
    /// Is another for other weaknesses, other reproducers or another scanner's command.
    pub fn identity(&self, rescan: Option<&[String]>) -> String {
        let one = |flaw: &Flaw| {
            let shown = flaw.reproducer.as_ref().map(judge::reproducer_digest);
            format!("{:?}{shown:?}", flaw.weakness.id)
        };
        let all: String = self.all.iter().map(one).collect();
        format!("{all}{}{rescan:?}", self.unasked)
    }
}

/// What a reproducer alone says is wrong.
fn shown_by(reproducer: &TreeReproducer) -> Weakness {
    let digest = judge::reproducer_digest(reproducer);
    Weakness {
        id: FindingId(format!("{REPRODUCER}:{digest}")),
        scanner: REPRODUCER.into(),
        rule: reproducer.name.clone(),
        message: "a reproducer shows a flaw".into(),
        location: None,
        line: None,
    }
}

/// A weakness, as far as it has to be told.
#[derive(Debug)]
pub struct Task {
    /// Its fingerprint.
    pub finding: FindingId,
    /// What is wrong, and what shows it, in sentences.
    pub what: String,
    /// The file that it is in, where that is known.
    pub location: Option<RelPath>,
}

impl From<(&Flaw, Inputs)> for Task {
    /// The inputs of its reproducer are told only where they may be shown: what is asked is kept.
    fn from((flaw, inputs): (&Flaw, Inputs)) -> Self {
        let weakness = &flaw.weakness;
        let mut what = format!("{weakness}: {}.", weakness.message.trim_end_matches('.'));
        if let Some(reproducer) = &flaw.reproducer {
            what.push_str(&told(reproducer, inputs));
        }
        Self {
            finding: weakness.id.clone(),
            what,
            location: weakness.location.clone(),
        }
    }
}

/// What an engine is told of a reproducer, in sentences that begin with a space.
pub fn told(reproducer: &TreeReproducer, inputs: Inputs) -> String {
    let mut what = String::new();
    let command = &reproducer.argv;
    if command.iter().all(|word| word.len() < WORD_BYTES_MAX) {
        what.push_str(&format!(
            " It shows when this is run: {}.",
            command.join(" ")
        ));
    }
    for input in &reproducer.inputs {
        let size = input.bytes.len();
        let shown = &input.bytes[..size.min(SHOWN_BYTES_MAX)];
        what.push_str(&match inputs {
            Inputs::Shown => format!(
                " An input that shows it, of {size} bytes, begins with: \"{}\".",
                shown.escape_ascii()
            ),
            Inputs::Private => format!(" An input of {size} bytes shows it, and is private."),
        });
    }
    if let Some(oracle) = &reproducer.oracle {
        what.push_str(&format!(" It is seen by: {oracle}."));
    }
    what
}

/// A proposal, and what the judge said of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Whose it is.
    pub engine: String,
    /// What that says of it. It is shown, and proves nothing.
    pub words: String,
    /// What it changes.
    pub edits: Vec<SourceEdit>,
    /// The test that came with it.
    pub addition: Option<Addition>,
    /// The judge's word.
    pub judged: Judged,
}

impl Tried {
    /// Its test and what became of that.
    pub fn test(&self) -> Option<wire::Test> {
        let addition = self.addition.as_ref()?;
        Some(wire::Test::new(addition, self.judged.addition.as_ref()))
    }
}

/// What the judge says of a proposal, as far as it is kept.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Every check.
    pub evidence: Evidence,
    /// The files that it alters and was judged without.
    pub put_back: Vec<RelPath>,
    /// What became of its test; nothing where there is none or it was not tried.
    pub addition: Option<Added>,
}

impl From<Judgement> for Judged {
    fn from(judgement: Judgement) -> Self {
        Self {
            evidence: judgement.evidence,
            put_back: judgement.put_back,
            addition: judgement.addition,
        }
    }
}

/// What is judged.
#[derive(Debug)]
pub struct Proposed {
    /// The change.
    pub given: Given,
    /// The test that came with it.
    pub addition: Option<Addition>,
}

/// Judges a proposal, and may write down what came of it.
pub type Judge<'judge> = dyn FnMut(Proposed, &mut Desk<'_>) -> Result<Judged> + 'judge;

/// What came of it all.
#[derive(Debug, Clone, Default)]
pub struct Mended {
    /// Every turn that an engine had.
    pub asks: Vec<wire::Ask>,
    /// Every proposal that was judged, in order; only the last may settle the weakness.
    pub tried: Vec<Tried>,
}

impl Mended {
    /// The proposal that settles the weakness, where one does.
    pub fn settled_by(&self) -> Option<&Tried> {
        let last = self.tried.last();
        last.filter(|tried| tried.judged.evidence.verdict().settles())
    }

    /// The verdict on the last proposal.
    pub fn verdict(&self) -> Option<Verdict> {
        let last = self.tried.last()?;
        Some(last.judged.evidence.verdict())
    }

    /// Why the weakness stays, in words: the last rejection, and what each engine said that
    /// proposed nothing.
    pub fn why_left(&self) -> String {
        let count = self.tried.len();
        let last = self.verdict().map(|verdict| match count {
            1 => format!("the only proposal is {verdict}"),
            _ => format!("the last of {count} proposals is {verdict}"),
        });
        let mut had = BTreeSet::new();
        let newest = self.asks.iter().rev();
        let newest = newest.filter(|ask| had.insert(&ask.engine) && ask.proposal.is_none());
        let mut said: Vec<String> = newest
            .map(|ask| format!("engine `{}`: {}", ask.engine, ask.words))
            .collect();
        said.reverse();
        let parts: Vec<String> = last.into_iter().chain(said).collect();
        if parts.is_empty() {
            "no engine could be asked any more: each was lost before, or had said that it has \
             nothing"
                .into()
        } else {
            parts.join("; ")
        }
    }

    /// Is there nothing more to be asked? What cannot be concluded of one proposal, such as where
    /// the flaw does not show at all, cannot be of the next.
    fn is_over(&self) -> bool {
        match self.verdict().map(|verdict| verdict.conclusion) {
            None | Some(Conclusion::Rejected(..)) => false,
            Some(
                Conclusion::Proven
                | Conclusion::ProvenDiffers(_)
                | Conclusion::Tested
                | Conclusion::Resolved
                | Conclusion::Clean
                | Conclusion::Inconclusive(_),
            ) => true,
        }
    }

    fn has_tried(&self, proposal: &Proposal) -> bool {
        let mut tried = self.tried.iter();
        tried.any(|tried| tried.edits == proposal.edits)
    }
}

/// Asks and judges until a proposal settles the weakness, nothing can be concluded, or nobody has
/// a proposal left. `tree` is the untouched project.
pub fn mend(
    task: &Task,
    tree: &Path,
    asker: &mut Asker,
    desk: &mut Desk<'_>,
    judge: &mut Judge<'_>,
) -> Result<Mended> {
    let mut mended = Mended::default();
    let mut untried = None;
    while !mended.is_over() && asker.may_ask(&task.finding) {
        let mut brief = match &untried {
            Some(brief) => Clone::clone(brief),
            None => untried.insert(engines::weakness_brief(tree, task)?).clone(),
        };
        for tried in &mended.tried {
            let change = format!("edits of engine {}", tried.engine);
            let evidence = &tried.judged.evidence;
            let attempt = engines::earlier_attempt(change, &tried.edits, evidence)?;
            brief.earlier.push(attempt);
        }
        let answered = asker.ask(&task.finding, &brief, tree, desk)?;
        mended.asks.extend(answered.turns);
        let Some((engine, proposal)) = answered.proposed else {
            break;
        };
        if mended.has_tried(&proposal) {
            desk.progress
                .line(&format!("engine `{engine}`: it proposes what was rejected"));
            asker.dismiss(&engine, &task.finding);
            continue;
        }
        let tried = try_one(engine, proposal, desk, judge)?;
        mended.tried.push(tried);
    }
    Ok(mended)
}

fn try_one(
    engine: String,
    proposal: Proposal,
    desk: &mut Desk<'_>,
    judge: &mut Judge<'_>,
) -> Result<Tried> {
    let addition = proposal.regression_test.map(|test| Addition {
        path: test.path,
        text: test.text,
    });
    let proposed = Proposed {
        given: Given::Edits {
            name: format!("a proposal of engine `{engine}`"),
            edits: proposal.edits.clone(),
        },
        addition: addition.clone(),
    };
    let judged = judge(proposed, desk)?;
    let verdict = judged.evidence.verdict();
    desk.progress.line(&format!("engine `{engine}`: {verdict}"));
    if let Some(Added::Dropped(why)) = &judged.addition {
        desk.progress
            .line(&format!("engine `{engine}`: its test is left out: {why}"));
    }
    Ok(Tried {
        engine,
        words: engines::shortened(&proposal.explanation.fix),
        edits: proposal.edits,
        addition,
        judged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::tree_reproducer::Input;

    fn weakness(id: &str, rule: &str) -> Weakness {
        Weakness {
            id: FindingId(id.into()),
            scanner: "scanner".into(),
            rule: rule.into(),
            message: "too long.".into(),
            location: RelPath::new("src/a.c").ok(),
            line: Some(7),
        }
    }

    fn reproducer() -> TreeReproducer {
        TreeReproducer {
            name: "crash".into(),
            argv: vec!["./tool".into()],
            inputs: vec![Input {
                name: "a".into(),
                bytes: b"attack".to_vec(),
            }],
            benign: Vec::new(),
            files: Vec::new(),
            oracle: None,
            time_limit_s: 10,
            build: None,
        }
    }

    #[test]
    fn a_reproducer_shows_the_one_that_is_asked_for_or_is_a_weakness_of_its_own() {
        let reported = || vec![weakness("1", "a"), weakness("2", "b"), weakness("1", "a")];
        let of = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            let flaws = Flaws::of(reported(), Some(reproducer()), &only).unwrap();
            let told = |flaw: &Flaw| (flaw.weakness.rule.clone(), flaw.reproducer.is_some());
            (
                flaws.all.iter().map(told).collect::<Vec<_>>(),
                flaws.unasked,
            )
        };
        let pair = |rule: &str, shown| (rule.to_owned(), shown);
        assert_eq!(
            of(&[]),
            (
                vec![pair("a", false), pair("b", false), pair("crash", true)],
                0
            )
        );
        assert_eq!(of(&["b"]), (vec![pair("b", true)], 1));
        assert_eq!(of(&["left-pad"]), (vec![pair("crash", true)], 2));
        let many = (0..=FLAWS_MAX).map(|id| weakness(&id.to_string(), "a"));
        let error = Flaws::of(many.collect(), None, &[]).unwrap_err();
        assert!(error.to_string().contains("--only"), "{error}");
    }

    #[test]
    fn an_input_is_told_only_where_inputs_may_be_shown() {
        let flaw = Flaw {
            weakness: weakness("1", "a"),
            reproducer: Some(reproducer()),
        };
        let told = |inputs| Task::from((&flaw, inputs)).what;
        let private = told(Inputs::Private);
        assert!(
            private.starts_with("a (scanner) at src/a.c:7: too long. It shows"),
            "{private}"
        );
        assert!(!private.contains("attack"), "{private}");
        assert!(told(Inputs::Shown).contains("attack"));
    }
}
