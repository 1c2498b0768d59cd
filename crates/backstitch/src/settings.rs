//! `backstitch.toml`: what a user allows, read into a [`Policy`].
//!
//! The file may come from a hostile repository, so it can ask for nothing that leaves
//! the sandbox: its commands run inside, and its limits have ceilings.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use backstitch_model::policy::{Bump, CommandLimits, Inputs, Worth};
use backstitch_model::{Policy, RelPath};
use serde::Deserialize;

use crate::source::Source;

mod profile;

pub use profile::Profile;

/// The file's name, at the project's root.
pub const FILE_NAME: &str = "backstitch.toml";

/// What `backstitch init` writes: every setting, with what it means and its default.
pub const TEMPLATE: &str = include_str!("settings.template.toml");

/// The largest settings file read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    profile: Profile,
    policy: PolicyTable,
    commands: CommandsTable,
    limits: LimitsTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyTable {
    bump_max: Option<BumpName>,
    release_age_min_days: Option<u32>,
    leave_alone: Vec<String>,
    attempts_max: Option<usize>,
    together_max: Option<usize>,
    deliver_min: Option<WorthName>,
    inputs: Option<InputsName>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WorthName {
    Tested,
    Proven,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum InputsName {
    Private,
    Shown,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BumpName {
    Patch,
    Compatible,
    Breaking,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CommandsTable {
    build: Option<Vec<String>>,
    test: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    wall_s: Option<u64>,
    memory_mib_max: Option<u64>,
    disk_mib_max: Option<u64>,
    output_mib_max: Option<u64>,
    processes_max: Option<u64>,
}

/// Reads the settings of the project in `root`, or those in `file` where the user names
/// one. Without either the defaults of the profile hold; with either, none is looser than it.
pub fn read(root: &Path, file: Option<&Path>, profile: Profile) -> Result<Policy> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("read settings `{}`", file.display()))?;
        return parse(&text, profile)
            .with_context(|| format!("read settings `{}`", file.display()));
    }
    let folder = crate::source::open_dir(root)?;
    match folder.symlink_metadata(FILE_NAME) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(profile.standard()),
        Err(error) => return Err(error).context(format!("read settings `{FILE_NAME}`")),
        Ok(about) => ensure!(
            about.is_file() && about.len() <= FILE_BYTES_MAX,
            "read settings `{FILE_NAME}`: it is no plain file of at most 1 MiB"
        ),
    }
    let text = folder
        .read_to_string(FILE_NAME)
        .with_context(|| format!("read settings `{FILE_NAME}`"))?;
    of_project(&text, profile)
}

/// Reads the settings of the state that a change is judged against, not those that lie in the
/// working tree: there a change under judgement may be checked out, and it must not say how it is
/// built and tested itself.
pub fn read_base(base: &Source, file: Option<&Path>, profile: Profile) -> Result<Policy> {
    match (base, file) {
        (Source::Git(repository), None) => {
            let path = RelPath::new(FILE_NAME)?;
            let bytes = repository
                .file(&path, FILE_BYTES_MAX)
                .with_context(|| format!("read settings `{FILE_NAME}`"))?;
            let Some(bytes) = bytes else {
                return Ok(profile.standard());
            };
            let text = String::from_utf8(bytes)
                .with_context(|| format!("read settings `{FILE_NAME}`: it is no UTF-8"))?;
            of_project(&text, profile)
        }
        (_, file) => read(base.root(), file, profile),
    }
}

/// The settings that a project's own file states.
fn of_project(text: &str, profile: Profile) -> Result<Policy> {
    let read = || -> Result<Policy> {
        let policy = parse(text, profile)?;
        only_lower(&policy.limits)?;
        Ok(policy)
    };
    read().with_context(|| format!("read settings `{FILE_NAME}`"))
}

/// A project's own file may bound its programs tighter, and not let them have more.
fn only_lower(limits: &CommandLimits) -> Result<()> {
    let standard = CommandLimits::default();
    for (name, asked, allowed) in [
        ("wall_s", limits.wall_s, standard.wall_s),
        (
            "memory_mib_max",
            limits.memory_bytes_max >> 20,
            standard.memory_bytes_max >> 20,
        ),
        (
            "disk_mib_max",
            limits.disk_bytes_max >> 20,
            standard.disk_bytes_max >> 20,
        ),
        (
            "output_mib_max",
            limits.output_bytes_max >> 20,
            standard.output_bytes_max >> 20,
        ),
        (
            "processes_max",
            limits.processes_max,
            standard.processes_max,
        ),
    ] {
        ensure!(
            asked <= allowed,
            "limits.{name} is {asked}: a project's own file may ask for {allowed} at most; name the \
             file with `--policy` to allow more"
        );
    }
    Ok(())
}

/// Reads a file under a profile; the file may name a stricter one.
fn parse(text: &str, profile: Profile) -> Result<Policy> {
    let file: File = toml::from_str(text)?;
    let profile = profile.max(file.profile);
    let policy = policy(file, &profile.standard())?;
    profile.check(&policy)?;
    Ok(policy)
}

fn policy(file: File, standard: &Policy) -> Result<Policy> {
    let attempts_max = file.policy.attempts_max.unwrap_or(standard.attempts_max);
    ensure!(
        (1..=20).contains(&attempts_max),
        "policy.attempts_max is 1 to 20, not {attempts_max}"
    );
    let together_max = file.policy.together_max.unwrap_or(standard.together_max);
    ensure!(
        (1..=256).contains(&together_max),
        "policy.together_max is 1 to 256, not {together_max}"
    );
    Ok(Policy {
        bump_max: file.policy.bump_max.map_or(standard.bump_max, Bump::from),
        release_age_min_days: file
            .policy
            .release_age_min_days
            .unwrap_or(standard.release_age_min_days),
        leave_alone: file.policy.leave_alone,
        attempts_max,
        together_max,
        build_command: command("commands.build", file.commands.build)?,
        test_command: command("commands.test", file.commands.test)?,
        limits: limits(&file.limits)?,
        deliver_min: match file.policy.deliver_min {
            None => standard.deliver_min,
            Some(WorthName::Tested) => Worth::Tested,
            Some(WorthName::Proven) => Worth::Proven,
        },
        inputs: match file.policy.inputs {
            None => standard.inputs,
            Some(InputsName::Private) => Inputs::Private,
            Some(InputsName::Shown) => Inputs::Shown,
        },
    })
}

fn command(name: &str, command: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
    if let Some(words) = &command {
        ensure!(
            words.first().is_some_and(|program| !program.is_empty()),
            "{name} is a list of words and the first is the program, such as [\"cargo\", \"test\"]"
        );
        ensure!(
            words.iter().all(|word| !word.contains('\0')),
            "{name} holds a NUL, which no command can"
        );
    }
    Ok(command)
}

fn limits(table: &LimitsTable) -> Result<CommandLimits> {
    const MIB: u64 = 1 << 20;
    let standard = CommandLimits::default();
    let bounded = |name: &str, value: Option<u64>, standard: u64, range: (u64, u64)| {
        let value = value.unwrap_or(standard);
        ensure!(
            (range.0..=range.1).contains(&value),
            "limits.{name} is {} to {}, not {value}",
            range.0,
            range.1
        );
        Ok(value)
    };
    let mib = |name, value, standard: u64, range| {
        bounded(name, value, standard / MIB, range).map(|mib| mib * MIB)
    };
    Ok(CommandLimits {
        wall_s: bounded("wall_s", table.wall_s, standard.wall_s, (1, 86_400))?,
        memory_bytes_max: mib(
            "memory_mib_max",
            table.memory_mib_max,
            standard.memory_bytes_max,
            (64, 1 << 20),
        )?,
        disk_bytes_max: mib(
            "disk_mib_max",
            table.disk_mib_max,
            standard.disk_bytes_max,
            (16, 1 << 20),
        )?,
        output_bytes_max: mib(
            "output_mib_max",
            table.output_mib_max,
            standard.output_bytes_max,
            (1, 1024),
        )?,
        processes_max: bounded(
            "processes_max",
            table.processes_max,
            standard.processes_max,
            (8, 65_536),
        )?,
    })
}

impl From<BumpName> for Bump {
    fn from(name: BumpName) -> Self {
        match name {
            BumpName::Patch => Self::Patch,
            BumpName::Compatible => Self::Compatible,
            BumpName::Breaking => Self::Breaking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_holds_every_setting_at_its_default() {
        assert_eq!(
            parse(TEMPLATE, Profile::Individual).unwrap(),
            Policy::default()
        );
        let live = TEMPLATE
            .lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|rest| rest.contains(" = "))
                    .unwrap_or(line)
            })
            .collect::<Vec<_>>()
            .join("\n");
        let policy = parse(&live, Profile::Individual).unwrap();
        let expected = Policy {
            build_command: policy.build_command.clone(),
            test_command: policy.test_command.clone(),
            ..Policy::default()
        };
        assert!(policy.build_command.is_some() && policy.test_command.is_some());
        assert_eq!(policy, expected);
    }

    #[test]
    fn a_project_cannot_raise_its_own_limits_and_the_user_can() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        std::fs::write(&file, "[limits]\nwall_s = 7200\n").unwrap();
        let error = format!(
            "{:#}",
            read(folder.path(), None, Profile::Individual).unwrap_err()
        );
        assert!(
            error.contains("--policy") && error.contains("1800"),
            "{error}"
        );
        assert_eq!(
            read(folder.path(), Some(&file), Profile::Individual)
                .unwrap()
                .limits
                .wall_s,
            7200
        );
        std::fs::write(&file, "[limits]\nwall_s = 60\n").unwrap();
        assert_eq!(
            read(folder.path(), None, Profile::Individual)
                .unwrap()
                .limits
                .wall_s,
            60
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_place() {
        for (text, wanted) in [
            ("[policy]\nbump = 1", "bump"),
            ("[policy]\nbump_max = \"huge\"", "huge"),
            ("[policy]\nattempts_max = 0", "attempts_max"),
            ("[commands]\ntest = []", "commands.test"),
            ("[limits]\nmemory_mib_max = 1", "memory_mib_max"),
            ("[limits]\nwall_s = -4", "wall_s"),
            ("[sandbox]\nnone = true", "sandbox"),
        ] {
            let error = format!("{:#}", parse(text, Profile::Individual).unwrap_err());
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn nothing_that_the_strict_profile_bounds_can_be_loosened_by_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let strict = read(folder.path(), None, Profile::Strict).unwrap();
        assert_eq!(
            (strict.release_age_min_days, strict.deliver_min),
            (14, Worth::Proven)
        );
        for (loose, tight) in [
            ("bump_max = \"breaking\"", "bump_max = \"patch\""),
            ("release_age_min_days = 13", "release_age_min_days = 90"),
            ("deliver_min = \"tested\"", "deliver_min = \"proven\""),
            ("inputs = \"shown\"", "inputs = \"private\""),
        ] {
            let setting = loose.split(' ').next().unwrap();
            // In the project's own file, and in one that the user names.
            for named in [None, Some(file.as_path())] {
                std::fs::write(&file, format!("[policy]\n{loose}\n")).unwrap();
                let error = read(folder.path(), named, Profile::Strict).unwrap_err();
                let error = format!("{error:#}");
                assert!(
                    error.contains(setting) && error.contains("strict"),
                    "{error}"
                );
                assert!(
                    read(folder.path(), named, Profile::Individual).is_ok(),
                    "{loose}"
                );
                std::fs::write(&file, format!("[policy]\n{tight}\n")).unwrap();
                assert!(
                    read(folder.path(), named, Profile::Strict).is_ok(),
                    "{tight}"
                );
            }
            // A project may be stricter than its user, and not looser.
            let text = format!("profile = \"strict\"\n[policy]\n{loose}\n");
            assert!(parse(&text, Profile::Individual).is_err(), "{text}");
            let text = format!("profile = \"individual\"\n[policy]\n{loose}\n");
            assert!(parse(&text, Profile::Strict).is_err(), "{text}");
        }
    }
}
