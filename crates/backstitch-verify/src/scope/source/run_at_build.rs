//! What comes to run wherever the project is built or installed next: new build scripts, hooks of
//! package managers, commands in files that build. A patch is judged without them, so nothing that
//! is run here tells what they do, and they run outside of any sandbox elsewhere. Pure.

use backstitch_model::RelPath;

use super::functions::shortened;
use super::objection::{Objection, Sightings};
use super::pair::Pair;
use super::roles::{Role, is_for_tests};

/// New files that a tool runs because they are there.
const TAKEN_UP: [&str; 6] = [
    "build.rs",
    "setup.py",
    "binding.gyp",
    ".pnpmfile.cjs",
    ".pnpmfile.js",
    "pnpmfile.js",
];

/// New files whose commands run once another file names them, or somebody builds in their folder.
const NAMED: [&str; 12] = [
    "CMakeLists.txt",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "meson.build",
    "configure",
    "configure.ac",
    "wscript",
    "SConstruct",
    "SConscript",
    "build.sh",
    "BUILD.bazel",
];
/// How others of them end.
const NAMED_ENDINGS: [&str; 5] = [".mk", ".cmake", ".gyp", ".gypi", ".m4"];

/// Entries of manifests that are run, or that name what is, when somebody builds or installs.
const ENTRIES: [&str; 18] = [
    "package/build",
    "scripts/preinstall",
    "scripts/install",
    "scripts/postinstall",
    "scripts/preprepare",
    "scripts/prepare",
    "scripts/postprepare",
    "scripts/prepublish",
    "scripts/prepublishOnly",
    "scripts/prepack",
    "scripts/postpack",
    "scripts/dependencies",
    "gypfile",
    "build-system/build-backend",
    "build-system/backend-path",
    "tool/hatch/build",
    "tool/pdm/build",
    "tool/poetry/build",
];

/// What a build does that starts other programs or reaches out, in small letters.
const ACTS: [&str; 31] = [
    "std::net",
    "tcpstream",
    "command::new(",
    "subprocess",
    "os.system",
    "os.popen",
    "urllib",
    "requests.get",
    "http.client",
    "import socket",
    "exec(",
    "eval(",
    "__import__",
    "child_process",
    "execsync",
    "curl ",
    "wget ",
    "execute_process(",
    "externalproject_add",
    "fetchcontent_",
    "file(download",
    "run_command(",
    "$(shell",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "base64",
    "node -e",
    "python -c",
    "python3 -c",
];

/// Is it an entry of a manifest that runs where somebody builds or installs?
pub fn is_run(entry: &str) -> bool {
    let is_at = |wanted: &str| {
        entry
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ENTRIES.iter().any(|wanted| is_at(wanted))
}

/// Looks at what builds.
pub fn look(pairs: &[Pair<'_>], seen: &mut Sightings) {
    for pair in pairs.iter().filter(|pair| !pair.is_component) {
        let builds = pair.role == Role::Build || pair.role == Role::Manifest;
        if !builds || is_for_tests(pair.path) {
            continue;
        }
        if pair.before.is_none() {
            came(pair, seen);
        }
        acts(pair, seen);
    }
}

fn came(pair: &Pair<'_>, seen: &mut Sightings) {
    let what = || "a file that is run wherever the project is built is new".to_owned();
    if TAKEN_UP.contains(&pair.path.file_name()) {
        seen.object(Objection::RunAtBuild, pair.whole(), what());
    } else if is_named(pair.path) {
        seen.doubt(Objection::RunAtBuild, pair.whole(), what());
    }
}

fn is_named(path: &RelPath) -> bool {
    let name = path.file_name();
    NAMED.contains(&name) || NAMED_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// More of what starts programs or reaches out than there was.
fn acts(pair: &Pair<'_>, seen: &mut Sightings) {
    let often = |act: &str, lines: &mut dyn Iterator<Item = (u32, &str)>| -> (usize, Option<u32>) {
        lines
            .filter(|(_, line)| !is_remark(line) && line.to_lowercase().contains(act))
            .fold((0, None), |(count, first), (at, _)| {
                (count + 1, first.or(Some(at)))
            })
    };
    for act in ACTS {
        let (is, line) = often(act, &mut pair.added());
        let (was, _) = often(act, &mut pair.removed());
        if is > was {
            let what = format!("the build does more than it did, by {}", shortened(act));
            let place = line.map_or_else(|| pair.whole(), |line| pair.at(line));
            seen.doubt(Objection::RunAtBuild, place, what);
            return;
        }
    }
}

fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//") || line.starts_with("dnl ")
}
