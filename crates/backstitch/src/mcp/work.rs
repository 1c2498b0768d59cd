//! What each tool does: reads, or judges, with what the commands of the same names use. Changes no
//! project, prints nothing, and lets a client say nothing of how a project is built and tested:
//! whoever is judged must not choose the judge.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use backstitch_model::Finding;
use backstitch_model::tree_reproducer::{Input as Bytes, TreeReproducer};
use backstitch_model::verdict::Conclusion;
use backstitch_verify::sandbox::Sandbox;
use backstitch_verify::workbench::Start;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Settings;
use super::answer::Answer;
use super::jobs::{Hands, JobObject};
use super::tools::{About, INPUT_BYTES_MAX, Input, Project, Reproducer, TestPatch};
use crate::advisories::Advisories;
use crate::cli::{BriefArguments, BriefFormat, Common, ExplainArguments, Format, SandboxChoice};
use crate::commands::{engines as briefing, explain as explaining, find as finding, ledger, run};
use crate::judge::{self, Given, Order};
use crate::ledger::{Event, Ledger};
use crate::report::{explanation, json, judgement, words};
use crate::{engines, settings, wire};

/// The most findings that are told.
const FINDINGS_MAX: usize = 500;
/// The most findings of one advisory that are explained, or that a brief is made for.
const OF_ONE_MAX: usize = 20;
/// The longest name of an input's file, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Lists findings.
pub fn find(settings: &Settings, asked: &Project) -> Result<Answer> {
    let path = settings.roots.resolve(asked.path.as_deref())?;
    let advisories = Advisories::open(&settings.places, settings.db.as_deref())?;
    let mut found = finding::findings(&path, &advisories, &settings.places)?;
    let is_whole = found.unread.is_empty();
    let unread = found.unread.iter().map(|what| format!("not read: {what}"));
    found.notes.extend(unread);
    let total = found.findings.len();
    let bad = found.findings.iter().filter(|it| it.is_vulnerability());
    let mut summary = match (bad.count(), is_whole) {
        (0, true) => "No known vulnerability is locked here.".to_owned(),
        (0, false) => "Nothing was found in what could be read; not everything could.".to_owned(),
        (1, _) => "1 known vulnerability is locked here.".to_owned(),
        (bad, _) => format!("{bad} known vulnerabilities are locked here."),
    };
    if total > FINDINGS_MAX {
        found.findings.truncate(FINDINGS_MAX);
        let cut = format!("Only the first {FINDINGS_MAX} of {total} findings are told.");
        summary = format!("{summary} {cut}");
        found.notes.push(cut);
    }
    let lines: Vec<_> = found.findings.iter().map(line).collect();
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    let data: Vec<_> = lines.into_iter().chain(notes).collect();
    let project = path.display().to_string();
    let description = advisories.description();
    let object = json::findings(&project, description, &found.findings, &found.notes);
    Answer::new(
        format!("{summary} Looked up in {description}."),
        data.join("\n"),
        &object,
    )
}

/// A finding in a line.
fn line(finding: &Finding) -> String {
    let dependency = words::dependency(finding);
    let fixed = match dependency.fixed_versions.as_slice() {
        [] => "no release".to_owned(),
        fixed => fixed.join(", "),
    };
    format!(
        "{} ({}): {}; severity {}; fixed in {fixed}; {}; {}",
        words::finding(finding),
        wire::class_name(dependency.class),
        dependency.summary,
        words::severity(finding),
        words::reach(&dependency.reach),
        words::chain(&dependency.reach),
    )
}

/// Explains a finding.
pub fn explain(settings: &Settings, asked: About) -> Result<Answer> {
    let path = settings.roots.resolve(asked.path.as_deref())?;
    let advisories = Advisories::open(&settings.places, settings.db.as_deref())?;
    let arguments = ExplainArguments {
        id: asked.id,
        path,
        common: Common {
            format: Format::Json,
            db: settings.db.clone(),
            offline: settings.offline,
        },
    };
    let mut explained = explaining::explained(&arguments, &advisories, &settings.places)?;
    let summary = told(explained.len(), "explained");
    explained.truncate(OF_ONE_MAX);
    let data: Vec<_> = explained.iter().map(explanation::explain).collect();
    let project = arguments.path.display().to_string();
    let object = explanation::json(&project, &explained);
    Answer::new(summary, data.join("\n"), &object)
}

/// What `brief` answers.
#[derive(Serialize)]
struct Briefs {
    format: u32,
    project: String,
    briefs: Vec<serde_json::Value>,
}

/// Gives the brief on a finding.
pub fn brief(settings: &Settings, asked: About) -> Result<Answer> {
    let path = settings.roots.resolve(asked.path.as_deref())?;
    let arguments = BriefArguments {
        id: asked.id,
        path,
        engine: None,
        format: BriefFormat::Json,
        db: settings.db.clone(),
    };
    let mut briefs = briefing::briefs(&arguments, &settings.places)?;
    let summary = told(briefs.len(), "briefed on");
    briefs.truncate(OF_ONE_MAX);
    let redactor = engines::redactor();
    let mut data = Vec::new();
    let mut objects = Vec::new();
    for brief in briefs {
        let safe = brief.made_safe(&redactor, briefing::BRIEF_TOKENS);
        data.push(safe.prompt().user.clone());
        objects.push(serde_json::from_str(safe.json()).context("read the brief")?);
    }
    let object = Briefs {
        format: wire::FORMAT_VERSION,
        project: arguments.path.display().to_string(),
        briefs: objects,
    };
    Answer::new(summary, data.join("\n\n"), &object)
}

fn told(count: usize, done: &str) -> String {
    match count {
        1 => format!("1 finding {done}."),
        count if count > OF_ONE_MAX => {
            format!("{count} findings; the first {OF_ONE_MAX} are {done}.")
        }
        count => format!("{count} findings {done}."),
    }
}

/// Judges a patch of whoever `client` is.
pub fn test_patch(
    settings: &Settings,
    asked: TestPatch,
    client: &str,
    hands: &Hands,
) -> Result<Answer> {
    let source = settings.roots.open_project(asked.path.as_deref())?;
    let places = settings.places.clone();
    let advisories = Advisories::open(&places, settings.db.as_deref())?;
    let profile = run::profile_for(&places, SandboxChoice::Auto)?;
    let policy = settings::read_base(&source, settings.policy.as_deref(), profile)?;
    let reproducer = asked.reproducer.map(reproducer).transpose()?;
    let (sandbox, confinement) = run::sandbox(SandboxChoice::Auto)?;
    let managers = run::managers(
        sandbox,
        &places,
        policy.clone(),
        settings.offline,
        &hands.progress,
        hands.cancel.clone(),
    );
    let judged = judge::judge(Order {
        source,
        given: Given::Patch {
            name: format!("a patch of {client}"),
            text: asked.patch.into_bytes(),
        },
        addition: None,
        start: Start::Warm,
        stated: asked.findings,
        reported: Vec::new(),
        rescan: None,
        reproducer,
        reproducers: run::reproducers(&[])?,
        advisories: Arc::new(advisories),
        policy,
        places,
        managers: Arc::new(managers),
        confinement,
        fresh: false,
        progress: Arc::clone(&hands.progress),
        cancel: hands.cancel.clone(),
    })?;
    let summary = summary(&judged.evidence.verdict().conclusion);
    Answer::new(summary, judgement::text(&judged), &judgement::json(&judged))
}

/// A conclusion in our own words; its reason may quote the project.
fn summary(conclusion: &Conclusion) -> String {
    let name = conclusion.name();
    match conclusion {
        Conclusion::Proven => format!(
            "Verdict: {name}. The flaw was shown before and is gone after, everything built, and \
             every test that passed still passes."
        ),
        Conclusion::ProvenDiffers(_) => format!(
            "Verdict: {name}. The flaw is gone, but programs behave otherwise on inputs that showed \
             none: a human looks."
        ),
        Conclusion::Tested => format!(
            "Verdict: {name}. A scan flagged the flaw before and not after, and every test that \
             passed still passes. Nothing showed the flaw itself."
        ),
        Conclusion::Resolved => format!(
            "Verdict: {name}. What was flagged is gone, but no test or build could be run: a human \
             looks."
        ),
        Conclusion::Clean => {
            format!("Verdict: {name}. It is not said to fix anything, and no harm was found.")
        }
        Conclusion::Rejected(check, _) => format!(
            "Verdict: {name} by {}. The reason is below; change the patch, not the tests.",
            check.name()
        ),
        Conclusion::Inconclusive(_) => {
            format!("Verdict: {name}. Nothing can be concluded; the reason is below.")
        }
    }
}

/// The reproducer that a client gives. Reads no file of this machine.
fn reproducer(asked: Reproducer) -> Result<TreeReproducer> {
    let inputs = |kind: &str, given: Vec<Input>| {
        let numbered = given.into_iter().zip(1..);
        let bytes = numbered.map(|(input, number)| input.bytes(&format!("{kind}-{number}")));
        bytes.collect::<Result<Vec<_>>>()
    };
    judge::of_words(
        &asked.command,
        inputs("input", asked.inputs)?,
        inputs("benign", asked.benign)?,
        asked.oracle.as_deref(),
    )
}

impl Input {
    fn bytes(self, otherwise: &str) -> Result<Bytes> {
        let name = self.name.unwrap_or_else(|| otherwise.to_owned());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        ensure!(
            (1..=NAME_BYTES_MAX).contains(&name.len())
                && name.bytes().all(is_plain)
                && !name.starts_with('.'),
            "use input `{name}`: a name is made of letters, digits, `.`, `_` and `-`, and at most \
             {NAME_BYTES_MAX} long"
        );
        let bytes = match (self.text, self.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => STANDARD
                .decode(text)
                .with_context(|| format!("use input `{name}`: it is no base64"))?,
            _ => bail!("use input `{name}`: give it one of `text` and `base64`"),
        };
        ensure!(
            bytes.len() <= INPUT_BYTES_MAX,
            "use input `{name}`: it is larger than {} MiB",
            INPUT_BYTES_MAX >> 20
        );
        Ok(Bytes { name, bytes })
    }
}

/// What `status` answers.
#[derive(Serialize)]
struct Status {
    format: u32,
    version: &'static str,
    roots: Vec<String>,
    advisories: String,
    sandbox: bool,
    sandbox_why: Option<String>,
    jobs: Vec<JobObject>,
    newest_run: Option<NewestRun>,
    notes: Vec<String>,
}

/// How a run of a project ended.
#[derive(Serialize)]
struct NewestRun {
    run: String,
    started_at: String,
    change: Option<String>,
    verdict: Option<String>,
    exit: Option<u8>,
}

/// Tells how the server is.
pub fn status(settings: &Settings, asked: &Project, jobs: Vec<JobObject>) -> Result<Answer> {
    let path = match (&asked.path, settings.roots.resolve(asked.path.as_deref())) {
        // Of several folders none need be meant.
        (None, path) => path.ok(),
        (Some(_), path) => Some(path?),
    };
    let advisories = Advisories::open(&settings.places, settings.db.as_deref())?;
    let program = std::env::current_exe().context("find this program's own file")?;
    let unavailable = Sandbox::new(program).probe().err();
    let newest_run = match &path {
        None => None,
        Some(path) => newest_run(settings, path)?,
    };
    let status = Status {
        format: wire::FORMAT_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        roots: settings.roots.words(),
        advisories: advisories.description().to_owned(),
        sandbox: unavailable.is_none(),
        sandbox_why: unavailable.map(|why| why.to_string()),
        jobs,
        newest_run,
        notes: advisories.notes(),
    };
    let summary = format!(
        "Backstitch {}; {}; {}.",
        status.version,
        status.advisories,
        if status.sandbox {
            "the sandbox works here"
        } else {
            "no sandbox can be made here, so nothing is judged"
        }
    );
    let mut data: Vec<String> = status.sandbox_why.iter().cloned().collect();
    data.extend(
        status
            .roots
            .iter()
            .map(|root| format!("may be named: {root}")),
    );
    data.extend(status.newest_run.iter().map(|run| {
        let end = match (&run.verdict, run.exit) {
            (Some(verdict), _) => verdict.clone(),
            (None, Some(exit)) => format!("ended with {exit}"),
            (None, None) => "did not end".to_owned(),
        };
        let change = run.change.as_deref().unwrap_or("the loop");
        format!(
            "newest run {} of {}: {change}: {end}",
            run.run, run.started_at
        )
    }));
    data.extend(status.notes.iter().cloned());
    Answer::new(summary, data.join("\n"), &status)
}

fn newest_run(settings: &Settings, path: &Path) -> Result<Option<NewestRun>> {
    let ledger = Ledger::open(&settings.places.ledger())?;
    let Ok(run) = ledger::newest(&ledger, path) else {
        return Ok(None);
    };
    let entries = ledger.entries(Some(&run))?;
    let mut told = NewestRun {
        run,
        started_at: entries.first().map(|it| it.at.clone()).unwrap_or_default(),
        change: None,
        verdict: None,
        exit: None,
    };
    for entry in entries {
        match entry.event {
            Event::Judged {
                change, verdict, ..
            } => {
                told.change = Some(change);
                told.verdict = Some(verdict);
            }
            Event::RunFinished { exit } => told.exit = Some(exit),
            _ => {}
        }
    }
    Ok(Some(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: Option<&str>, text: Option<&str>, base64: Option<&str>) -> Input {
        Input {
            name: name.map(str::to_owned),
            text: text.map(str::to_owned),
            base64: base64.map(str::to_owned),
        }
    }

    #[test]
    fn an_input_is_text_or_base64_and_has_a_plain_name() {
        let given = input(None, Some("a"), None).bytes("input-1").unwrap();
        assert_eq!(
            (given.name.as_str(), given.bytes),
            ("input-1", b"a".to_vec())
        );
        let given = input(Some("x.bin"), None, Some("AAH/")).bytes("").unwrap();
        assert_eq!(
            (given.name.as_str(), given.bytes),
            ("x.bin", vec![0, 1, 255])
        );
        let huge = "x".repeat(INPUT_BYTES_MAX + 1);
        for (given, why) in [
            (input(None, None, None), "one of"),
            (input(None, Some("a"), Some("YQ==")), "one of"),
            (input(None, None, Some("%")), "no base64"),
            (input(Some("../x"), Some("a"), None), "a name is made of"),
            (input(Some(".hidden"), Some("a"), None), "a name is made of"),
            (input(Some(""), Some("a"), None), "a name is made of"),
            (input(None, Some(&huge), None), "larger than 1 MiB"),
        ] {
            let refused = format!("{:#}", given.bytes("input-1").unwrap_err());
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn a_client_s_command_is_never_taken_for_a_file_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.sh");
        std::fs::write(&secret, "#!/bin/sh\nsecret\n").unwrap();
        let command = secret.display().to_string();
        let given = reproducer(Reproducer {
            command: command.clone(),
            inputs: Vec::new(),
            benign: Vec::new(),
            oracle: None,
        });
        assert_eq!(given.unwrap().argv, [command]);
    }
}
