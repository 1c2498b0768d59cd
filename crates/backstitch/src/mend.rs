//! Mends a weakness of a project's own code: the engines propose, and the judge judges that as it
//! does anyone's change. What failed is told with the next question.

use std::path::Path;

use anyhow::Result;
use backstitch_model::candidate::SourceEdit;
use backstitch_model::verdict::Conclusion;
use backstitch_model::{FindingId, RelPath};

use crate::engines::{self, Asker, Desk};
use crate::judge::{Given, Judgement};
use crate::wire;

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

/// A proposal, and what the judge said of it.
#[derive(Debug)]
pub struct Tried {
    /// Whose it is.
    pub engine: String,
    /// What it changes.
    pub edits: Vec<SourceEdit>,
    /// The judge's word.
    pub judgement: Judgement,
}

/// What came of it all.
#[derive(Debug, Default)]
pub struct Mended {
    /// Every turn that an engine had.
    pub asks: Vec<wire::Ask>,
    /// Every proposal that was judged, in order; only the last may settle the weakness.
    pub tried: Vec<Tried>,
}

impl Mended {
    /// Is there nothing more to be asked? What cannot be concluded of one proposal, such as where
    /// the flaw does not show at all, cannot be of the next.
    fn is_over(&self) -> bool {
        let last = self.tried.last().map(|tried| &tried.judgement.evidence);
        match last.map(|evidence| evidence.verdict().conclusion) {
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
}

/// Asks and judges until a proposal settles the weakness, nothing can be concluded, or nobody has
/// a proposal left. `tree` is the untouched project.
pub fn mend(
    task: &Task,
    tree: &Path,
    asker: &mut Asker,
    desk: &mut Desk<'_>,
    judge: &mut dyn FnMut(Given) -> Result<Judgement>,
) -> Result<Mended> {
    let mut mended = Mended::default();
    let untried = engines::weakness_brief(tree, task)?;
    while !mended.is_over() && asker.may_ask(&task.finding) {
        let mut brief = untried.clone();
        for tried in &mended.tried {
            let change = format!("edits of engine {}", tried.engine);
            let evidence = &tried.judgement.evidence;
            let attempt = engines::earlier_attempt(change, &tried.edits, evidence)?;
            brief.earlier.push(attempt);
        }
        let answered = asker.ask(&task.finding, &brief, tree, desk)?;
        mended.asks.extend(answered.turns);
        let Some((engine, proposed)) = answered.proposed else {
            break;
        };
        if mended
            .tried
            .iter()
            .any(|tried| tried.edits == proposed.edits)
        {
            desk.progress
                .line(&format!("engine `{engine}`: it proposes what was rejected"));
            asker.dismiss(&engine, &task.finding);
            continue;
        }
        let judgement = judge(Given::Edits {
            name: format!("a proposal of engine `{engine}`"),
            edits: proposed.edits.clone(),
        })?;
        desk.progress.line(&format!(
            "engine `{engine}`: {}",
            judgement.evidence.verdict()
        ));
        mended.tried.push(Tried {
            engine,
            edits: proposed.edits,
            judgement,
        });
    }
    Ok(mended)
}
