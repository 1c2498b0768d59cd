//! `--format json`: one object. The format is described in `docs/json.md`.

use backstitch_find::About;
use backstitch_model::evidence::{Confinement, Phase};
use backstitch_model::record::Attempt;
use backstitch_model::verdict::{Conclusion, Verdict};
use backstitch_model::{Finding, Record, RelPath};
use serde::Serialize;

use crate::ledger::{Entry, Event};
use crate::mend::Tried;
use crate::story::{Delivery, Mending, Offer, Story};
use crate::wire;

/// What `find --format json` prints.
#[derive(Debug, Serialize)]
pub struct Findings {
    format: u32,
    project: String,
    advisories: String,
    findings: Vec<wire::Finding>,
    notes: Vec<String>,
}

/// What `run --format json` prints.
#[derive(Debug, Serialize)]
pub struct Run {
    format: u32,
    run: String,
    project: String,
    base: String,
    advisories: String,
    toolchain: String,
    confinement: &'static str,
    findings: Vec<RecordObject>,
    weaknesses: Vec<WeaknessObject>,
    baselines: Vec<BaselineObject>,
    delivered: Vec<BaselineObject>,
    delivery: Option<DeliveryObject>,
    offers: Vec<OfferObject>,
    asks: Vec<wire::Ask>,
    evidence: String,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RecordObject {
    #[serde(flatten)]
    finding: wire::Finding,
    verdict: Option<VerdictObject>,
    needs_human: bool,
    obstacle: Option<String>,
    attempts: Vec<AttemptObject>,
}

#[derive(Debug, Serialize)]
struct WeaknessObject {
    #[serde(flatten)]
    weakness: wire::Weakness,
    verdict: Option<VerdictObject>,
    needs_human: bool,
    obstacle: Option<String>,
    proposals: Vec<ProposalObject>,
}

#[derive(Debug, Serialize)]
struct ProposalObject {
    engine: String,
    words: String,
    rewrites: Vec<wire::Rewrite>,
    put_back: Vec<String>,
    test: Option<wire::Test>,
    verdict: VerdictObject,
    before: Vec<wire::CheckRun>,
    after: Vec<wire::CheckRun>,
}

#[derive(Debug, Serialize)]
struct OfferObject {
    #[serde(flatten)]
    candidate: wire::Candidate,
    why: String,
    commands: Vec<String>,
    patch: Option<String>,
}

#[derive(Debug, Serialize)]
struct AttemptObject {
    #[serde(flatten)]
    candidate: wire::Candidate,
    verdict: VerdictObject,
    before: Vec<wire::CheckRun>,
    after: Vec<wire::CheckRun>,
}

/// A verdict.
#[derive(Debug, Serialize)]
pub struct VerdictObject {
    conclusion: &'static str,
    check: Option<&'static str>,
    why: Option<String>,
    confinement: &'static str,
}

#[derive(Debug, Serialize)]
struct BaselineObject {
    lockfile: String,
    checks: Vec<wire::CheckRun>,
}

#[derive(Debug, Serialize)]
struct DeliveryObject {
    kind: &'static str,
    place: String,
    items: Vec<String>,
}

/// Describes findings alone.
pub fn findings(
    project: &str,
    advisories: &str,
    findings: &[Finding],
    notes: &[String],
) -> Findings {
    Findings {
        format: wire::FORMAT_VERSION,
        project: project.to_owned(),
        advisories: advisories.to_owned(),
        findings: findings.iter().map(wire::Finding::from).collect(),
        notes: notes.to_vec(),
    }
}

/// Describes a run.
pub fn run(story: &Story) -> Run {
    Run {
        format: wire::FORMAT_VERSION,
        run: story.run.clone(),
        project: story.project.clone(),
        base: story.base.clone(),
        advisories: story.advisories.clone(),
        toolchain: story.toolchain.clone(),
        confinement: confinement(story.confinement),
        findings: story.records.iter().map(record).collect(),
        weaknesses: story.weaknesses.iter().map(weakness).collect(),
        baselines: phases(&story.baselines),
        delivered: phases(&story.delivered),
        delivery: story.delivery.as_ref().map(delivery),
        offers: story.offers.iter().map(offer).collect(),
        asks: story.asks.clone(),
        evidence: story.evidence.display().to_string(),
        notes: story.notes.clone(),
    }
}

/// Writes an object as text.
pub fn text(object: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(object).map(|text| text + "\n")
}

fn phases(all: &[(RelPath, Phase)]) -> Vec<BaselineObject> {
    let object = |(lockfile, phase): &(RelPath, Phase)| BaselineObject {
        lockfile: lockfile.to_string(),
        checks: checks(phase),
    };
    all.iter().map(object).collect()
}

fn record(record: &Record) -> RecordObject {
    RecordObject {
        finding: wire::Finding::from(&record.finding),
        verdict: record.verdict().as_ref().map(verdict),
        needs_human: record.needs_human(),
        obstacle: record.obstacle.as_ref().map(ToString::to_string),
        attempts: record.attempts.iter().map(attempt).collect(),
    }
}

fn weakness(mending: &Mending) -> WeaknessObject {
    WeaknessObject {
        weakness: wire::Weakness::from(&mending.weakness),
        verdict: mending.mended.verdict().as_ref().map(verdict),
        needs_human: mending.needs_human(),
        obstacle: mending.why_left(),
        proposals: mending.mended.tried.iter().map(proposal).collect(),
    }
}

fn proposal(tried: &Tried) -> ProposalObject {
    let evidence = &tried.judged.evidence;
    ProposalObject {
        engine: tried.engine.clone(),
        words: tried.words.clone(),
        rewrites: tried.edits.iter().map(wire::Rewrite::from).collect(),
        put_back: tried
            .judged
            .put_back
            .iter()
            .map(ToString::to_string)
            .collect(),
        test: tried.test(),
        verdict: verdict(&evidence.verdict()),
        before: checks(&evidence.before),
        after: checks(&evidence.after),
    }
}

fn offer(offer: &Offer) -> OfferObject {
    let patch = offer.patch.as_ref();
    OfferObject {
        candidate: wire::Candidate::from(&offer.candidate),
        why: offer.why.clone(),
        commands: offer.commands.clone(),
        patch: patch.map(|path| path.display().to_string()),
    }
}

fn attempt(attempt: &Attempt) -> AttemptObject {
    AttemptObject {
        candidate: wire::Candidate::from(&attempt.candidate),
        verdict: verdict(&attempt.evidence.verdict()),
        before: checks(&attempt.evidence.before),
        after: checks(&attempt.evidence.after),
    }
}

/// A verdict for machines.
pub fn verdict(verdict: &Verdict) -> VerdictObject {
    let (check, why) = match &verdict.conclusion {
        Conclusion::Rejected(check, why) => (Some(check.name()), Some(why.clone())),
        Conclusion::Inconclusive(why) | Conclusion::ProvenDiffers(why) => (None, Some(why.clone())),
        Conclusion::Proven | Conclusion::Tested | Conclusion::Resolved | Conclusion::Clean => {
            (None, None)
        }
    };
    VerdictObject {
        conclusion: verdict.conclusion.name(),
        check,
        why,
        confinement: confinement(verdict.confinement),
    }
}

/// A tree's checks for machines.
pub fn checks(phase: &Phase) -> Vec<wire::CheckRun> {
    phase.runs().map(wire::CheckRun::from).collect()
}

/// The word for how programs were kept in.
pub fn confinement(confinement: Confinement) -> &'static str {
    match confinement {
        Confinement::Sandboxed => "sandboxed",
        Confinement::Unconfined => "unconfined",
    }
}

fn delivery(delivery: &Delivery) -> DeliveryObject {
    match delivery {
        Delivery::Branch { name, commits } => DeliveryObject {
            kind: "branch",
            place: name.clone(),
            items: commits.clone(),
        },
        Delivery::Patches { folder, files } => DeliveryObject {
            kind: "patches",
            place: folder.display().to_string(),
            items: files.clone(),
        },
    }
}

/// One event of the ledger.
#[derive(Debug, Serialize)]
pub struct EntryObject<'entry> {
    sequence: u64,
    run: &'entry str,
    at: &'entry str,
    hash: String,
    #[serde(flatten)]
    event: &'entry Event,
}

/// What `ledger show --format json` prints.
#[derive(Debug, Serialize)]
pub struct Entries<'entry> {
    format: u32,
    events: Vec<EntryObject<'entry>>,
}

/// Describes events of the ledger.
pub fn entries(entries: &[Entry]) -> Entries<'_> {
    fn event(entry: &Entry) -> EntryObject<'_> {
        EntryObject {
            sequence: entry.sequence,
            run: &entry.run,
            at: &entry.at,
            hash: entry.hash.to_string(),
            event: &entry.event,
        }
    }
    Entries {
        format: wire::FORMAT_VERSION,
        events: entries.iter().map(event).collect(),
    }
}

/// What `db info --format json` prints.
pub fn index(about: &About, place: &str) -> serde_json::Value {
    let sections: Vec<_> = about
        .sections
        .iter()
        .map(|section| {
            serde_json::json!({
                "ecosystem": section.ecosystem,
                "records": section.records,
                "packages": section.packages,
            })
        })
        .collect();
    serde_json::json!({
        "format": wire::FORMAT_VERSION,
        "place": place,
        "sources": about.provenance.sources,
        "created_at": about.provenance.created_at,
        "newest_modified": about.newest_modified,
        "ecosystems": sections,
    })
}
