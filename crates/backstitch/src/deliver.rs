//! Leaves accepted fixes where a human can take them: a branch, or patch files.
//! Touches nothing else of the user's: not the working tree, not the index, not `HEAD`.

use std::path::Path;

use anyhow::{Context, Result};
use backstitch_model::Policy;
use backstitch_model::policy::Worth;
use backstitch_model::verdict::{Conclusion, Verdict};
use similar::TextDiff;

use crate::private;
use crate::report::markdown;
use crate::source::{NewCommit, Source};
use crate::story::{ChangedFile, Delivery, Fix, Settled, Story};

/// Delivers the story's fixes; `None` where there are none. Delivering the same fixes
/// again finds the branch or the files that are there. Fixes build upon each other, so where
/// one of them is worth less than the policy asks for, all of them are left as files.
pub fn deliver(source: &Source, story: &mut Story, policy: &Policy) -> Result<Option<Delivery>> {
    if story.fixes.is_empty() {
        return Ok(None);
    }
    let is_worth = story.fixes.iter().all(|fix| is_worth(story, fix, policy));
    match source {
        Source::Git(_) if !is_worth => {
            story.notes.push(
                "left as patch files for a human: not every fix is proven, and the settings put \
                 only what is on a branch"
                    .into(),
            );
            patches(story).map(Some)
        }
        Source::Git(repository) => {
            let commits: Vec<_> = story.fixes.iter().map(|fix| commit(story, fix)).collect();
            let base: String = story.base.chars().take(8).collect();
            let name = format!("backstitch/{base}-{}", story.run);
            let (name, commits) = repository.branch(&name, &commits)?;
            Ok(Some(Delivery::Branch { name, commits }))
        }
        Source::Folder(_) => patches(story).map(Some),
    }
}

/// Is everything that a fix settles settled as well as the policy asks for?
fn is_worth(story: &Story, fix: &Fix, policy: &Policy) -> bool {
    let verdicts: Vec<Option<Verdict>> = match &fix.settles {
        Settled::Findings(all) => {
            let records = all.iter().map(|index| story.records.get(*index));
            records.map(|record| record?.verdict()).collect()
        }
        Settled::Weakness(index) => {
            let mending = story.weaknesses.get(*index);
            vec![mending.and_then(|mending| mending.mended.verdict())]
        }
    };
    let is_proven = |verdict: &Option<Verdict>| {
        let conclusion = verdict.as_ref().map(|verdict| &verdict.conclusion);
        conclusion == Some(&Conclusion::Proven)
    };
    match policy.deliver_min {
        Worth::Tested => true,
        Worth::Proven => verdicts.iter().all(is_proven),
    }
}

fn commit(story: &Story, fix: &Fix) -> NewCommit {
    NewCommit {
        files: fix
            .files
            .iter()
            .map(|file| (file.path.clone(), file.after.clone()))
            .collect(),
        message: markdown::commit_message(story, fix),
        time_s: story.started_at_s,
    }
}

fn patches(story: &Story) -> Result<Delivery> {
    let folder = story.evidence.join("patches");
    private::folder(&folder).with_context(|| format!("create `{}`", folder.display()))?;
    let mut files = Vec::new();
    for (number, fix) in story.fixes.iter().enumerate() {
        let name = format!("{:04}.patch", number + 1);
        write_patch(
            &folder.join(&name),
            &markdown::commit_message(story, fix),
            &fix.files,
        )?;
        files.push(name);
    }
    Ok(Delivery::Patches { folder, files })
}

/// Leaves what is offered beside the evidence, as patch files that nothing takes by itself.
pub fn offers(story: &mut Story) -> Result<()> {
    let folder = story.evidence.join("offers");
    for (number, offer) in story.offers.iter_mut().enumerate() {
        if offer.files.is_empty() {
            continue;
        }
        private::folder(&folder).with_context(|| format!("create `{}`", folder.display()))?;
        let path = folder.join(format!("{:04}.patch", number + 1));
        write_patch(&path, &markdown::offer_message(offer), &offer.files)?;
        offer.patch = Some(path);
    }
    Ok(())
}

/// Writes a patch that `git apply` and `patch -p1` both take.
fn write_patch(path: &Path, message: &str, files: &[ChangedFile]) -> Result<()> {
    let mut text = String::from(message);
    text.push_str("---\n");
    text.extend(files.iter().map(diff));
    private::write(path, text).with_context(|| format!("write patch `{}`", path.display()))
}

/// The unified diff of one file.
pub fn diff(file: &ChangedFile) -> String {
    let (before, from) = match &file.before {
        Some(before) => (before.as_str(), format!("a/{}", file.path)),
        None => ("", "/dev/null".to_owned()),
    };
    TextDiff::from_lines(before, &file.after)
        .unified_diff()
        .context_radius(3)
        .header(&from, &format!("b/{}", file.path))
        .to_string()
}
