//! The library of reproducers: those that come with the program, those of the project, and those
//! of folders that the user names. Reads them; never runs one. The format is described in
//! `docs/reproducers.md`.

mod bundled;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use backstitch_model::finding::VulnerableDependency;
use backstitch_model::package::Ecosystem;
use backstitch_model::reproducer::{Program, Seen};
use backstitch_model::{AdvisoryId, RelPath, Reproducer};
use backstitch_verify::python::is_requirement;
use cap_std::fs::Dir;
use serde::Deserialize;

use crate::source;

/// The file that describes a reproducer.
pub const DESCRIPTION: &str = "reproducer.toml";

/// Where a project keeps its own, from its root.
pub const PROJECT_FOLDER: &str = ".backstitch/reproducers";

/// The largest file of a reproducer that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// How many reproducers one folder may hold.
const REPRODUCERS_MAX: usize = 5000;
/// How deep a folder of reproducers is entered.
const DEPTH_MAX: usize = 3;
/// The bounds that `docs/reproducers.md` states.
const INPUTS_MAX: usize = 32;
const INPUT_BYTES_MAX: usize = 4096;
const REQUIRES_MAX: usize = 32;
const TIME_LIMIT_S: u64 = 30;
const TIME_LIMIT_S_MAX: u64 = 120;

/// How many reproducers are run for one finding.
const FOR_ONE_FINDING_MAX: usize = 6;
/// How many of them may be the project's own.
const OF_PROJECT_MAX: usize = 2;

/// Every reproducer at hand.
#[derive(Debug, Clone, Default)]
pub struct Library {
    entries: Vec<Entry>,
    /// What could not be read, each in a sentence.
    pub problems: Vec<String>,
}

/// A reproducer and whose it is.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The reproducer.
    pub reproducer: Reproducer,
    /// Whose it is.
    pub origin: Origin,
}

/// Whose a reproducer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    Bundled,
    /// The project has it in [`PROJECT_FOLDER`].
    Project,
    /// A folder that the user names.
    Folder(PathBuf),
}

/// `reproducer.toml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    advisories: Vec<String>,
    ecosystem: String,
    package: String,
    shows: String,
    program: String,
    time_limit_s: Option<u64>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    features: Vec<String>,
    seen: Option<SeenTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenTable {
    vulnerable: String,
    fixed: String,
    #[serde(default)]
    requires: Vec<String>,
}

impl Library {
    /// Those that come with the program.
    pub fn bundled() -> Result<Self> {
        let mut library = Self::default();
        for folder in bundled::folders()? {
            let name = folder.name;
            let reproducer = parse(name, |file| {
                let found = folder.file(file);
                found.map(str::to_owned).context("it is not there")
            })
            .with_context(|| format!("read bundled reproducer `{name}`"))?;
            library.add(reproducer, Origin::Bundled);
        }
        Ok(library)
    }

    /// Adds those of a project, whose root is at hand.
    pub fn add_project(&mut self, root: &Dir) {
        match root.symlink_metadata(PROJECT_FOLDER) {
            Ok(about) if about.is_dir() => {}
            Ok(_) => {
                let problem = format!("`{PROJECT_FOLDER}` is no folder; links are not followed");
                return self.problems.push(problem);
            }
            Err(_) => return,
        }
        match root.open_dir(PROJECT_FOLDER) {
            Ok(folder) => self.add_below(&folder, PROJECT_FOLDER, &Origin::Project, DEPTH_MAX),
            Err(error) => self
                .problems
                .push(format!("open `{PROJECT_FOLDER}`: {error}")),
        }
    }

    /// Adds those of a folder that the user names: one reproducer, or a folder of them.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let dir = source::open_dir(folder)?;
        let shown = folder.display().to_string();
        let before = self.entries.len() + self.problems.len();
        let origin = Origin::Folder(folder.to_owned());
        self.add_below(&dir, &shown, &origin, DEPTH_MAX);
        ensure!(
            self.entries.len() + self.problems.len() > before,
            "read reproducers in `{shown}`: there is no `{DESCRIPTION}` in it or in its folders"
        );
        Ok(())
    }

    /// Reads the reproducer in `folder`, or those in the folders below.
    fn add_below(&mut self, folder: &Dir, shown: &str, origin: &Origin, depth: usize) {
        if folder.symlink_metadata(DESCRIPTION).is_ok() {
            let name = shown.rsplit('/').find(|part| !part.is_empty());
            let read = parse(name.unwrap_or("reproducer"), |file| read(folder, file));
            return match read {
                Ok(reproducer) => self.add(reproducer, origin.clone()),
                Err(error) => self
                    .problems
                    .push(format!("read reproducer `{shown}`: {error:#}")),
            };
        }
        let Ok(entries) = folder.entries() else {
            return self.problems.push(format!("read folder `{shown}`"));
        };
        let mut names: Vec<String> = entries
            .take(REPRODUCERS_MAX)
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let is_folder = entry.file_type().ok()?.is_dir();
                entry.file_name().into_string().ok().filter(|_| is_folder)
            })
            .collect();
        names.sort();
        for name in names {
            if let (Some(depth), Ok(inner)) = (depth.checked_sub(1), folder.open_dir(&name)) {
                self.add_below(&inner, &format!("{shown}/{name}"), origin, depth);
            }
        }
    }

    fn add(&mut self, reproducer: Reproducer, origin: Origin) {
        self.entries.push(Entry { reproducer, origin });
    }

    /// Every reproducer.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those about one dependency's flaw, the project's own last.
    pub fn about(&self, dependency: &VulnerableDependency) -> Vec<Entry> {
        let mut about: Vec<Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.reproducer.is_about(dependency))
            .cloned()
            .collect();
        // A project may add to what others show, and not crowd it out.
        let mut of_project = 0;
        about.retain(|entry| {
            of_project += usize::from(entry.origin == Origin::Project);
            entry.origin != Origin::Project || of_project <= OF_PROJECT_MAX
        });
        about.sort_by_key(|entry| entry.origin == Origin::Project);
        about.truncate(FOR_ONE_FINDING_MAX);
        about
    }

    /// Changes whenever a reproducer does.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for entry in &self.entries {
            hasher.update(format!("{:?}", entry.reproducer).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

impl Origin {
    /// In a word or two.
    pub fn words(&self) -> String {
        match self {
            Self::Bundled => "bundled".into(),
            Self::Project => "the project's own".into(),
            Self::Folder(folder) => folder.display().to_string(),
        }
    }
}

/// Reads a file of a hostile folder.
fn read(folder: &Dir, file: &str) -> Result<String> {
    let about = folder.symlink_metadata(file)?;
    ensure!(
        about.is_file() && about.len() <= FILE_BYTES_MAX,
        "`{file}` is no plain file of at most {} KiB",
        FILE_BYTES_MAX >> 10
    );
    Ok(folder.read_to_string(file)?)
}

/// Reads a reproducer; `file` gives the text of a file in its folder.
fn parse(name: &str, file: impl Fn(&str) -> Result<String>) -> Result<Reproducer> {
    ensure!(
        is_name(name),
        "its folder's name is not 1 to 80 of a-z, A-Z, 0-9, `-`, `_` and `.`"
    );
    let text = file(DESCRIPTION).context(DESCRIPTION)?;
    let description: Description = toml::from_str(&text).context(DESCRIPTION)?;
    ensure!(!description.advisories.is_empty(), "`advisories` is empty");
    let advisories = description.advisories.iter().map(AdvisoryId::new);
    let ecosystem = Ecosystem::from_osv(&description.ecosystem);
    let program = program(&ecosystem, &description.program)?;
    let time_limit_s = description.time_limit_s.unwrap_or(TIME_LIMIT_S);
    ensure!(
        (1..=TIME_LIMIT_S_MAX).contains(&time_limit_s),
        "`time_limit_s` is 1 to {TIME_LIMIT_S_MAX}, not {time_limit_s}"
    );
    check_inputs(&description.inputs)?;
    if let Some(seen) = &description.seen {
        check_requires(&ecosystem, &seen.requires)?;
    }
    ensure!(
        !description.package.is_empty() && !description.package.contains(char::is_control),
        "`package` is no name"
    );
    Ok(Reproducer {
        name: name.to_owned(),
        advisories: advisories.collect::<Result<_, _>>()?,
        ecosystem,
        package: description.package,
        shows: description.shows,
        program: Program {
            text: file(&program).with_context(|| format!("read `{program}`"))?,
            name: program,
        },
        inputs: description.inputs,
        time_limit_s,
        features: description.features,
        seen: description.seen.map(|seen| Seen {
            vulnerable: seen.vulnerable,
            fixed: seen.fixed,
            requires: seen.requires,
        }),
    })
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=80).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.')
}

fn check_inputs(inputs: &[String]) -> Result<()> {
    ensure!(
        inputs.len() <= INPUTS_MAX,
        "there are more than {INPUTS_MAX} `inputs`"
    );
    let fits = |input: &String| input.len() <= INPUT_BYTES_MAX && !input.contains('\0');
    ensure!(
        inputs.iter().all(fits),
        "one of `inputs` has a NUL or more than {INPUT_BYTES_MAX} bytes"
    );
    Ok(())
}

/// Only pip takes them, and each must be one that may be handed to it.
fn check_requires(ecosystem: &Ecosystem, requires: &[String]) -> Result<()> {
    ensure!(
        requires.is_empty() || *ecosystem == Ecosystem::PyPi,
        "`requires` is for PyPI, not for {ecosystem}"
    );
    ensure!(
        requires.len() <= REQUIRES_MAX,
        "there are more than {REQUIRES_MAX} `requires`"
    );
    let refused = requires.iter().find(|text| !is_requirement(text));
    ensure!(
        refused.is_none(),
        "`requires` has {refused:?}, which is no package and its versions"
    );
    Ok(())
}

/// The program's name must be one that its ecosystem runs.
fn program(ecosystem: &Ecosystem, name: &str) -> Result<String> {
    let allowed = programs(ecosystem)?;
    ensure!(
        allowed.contains(&name) && RelPath::new(name).is_ok(),
        "`program` is `{}`, and for {ecosystem} it is {}",
        name.escape_debug(),
        allowed.join(" or ")
    );
    Ok(name.to_owned())
}

/// What a program may be called.
pub fn programs(ecosystem: &Ecosystem) -> Result<&'static [&'static str]> {
    match ecosystem {
        Ecosystem::CratesIo => Ok(&["check.rs"]),
        Ecosystem::Npm => Ok(&["check.cjs", "check.mjs"]),
        Ecosystem::PyPi => Ok(&["check.py"]),
        Ecosystem::Go
        | Ecosystem::RubyGems
        | Ecosystem::Packagist
        | Ecosystem::Maven
        | Ecosystem::Other(_) => {
            bail!("there are reproducers for crates.io, npm and PyPI, not for {ecosystem}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn with(description: &str) -> Result<Reproducer> {
        parse("name", |file| match file {
            DESCRIPTION => Ok(description.to_owned()),
            "check.cjs" => Ok("process.exit(0)".to_owned()),
            other => bail!("`{other}` is not there"),
        })
    }

    const GOOD: &str = "advisories = [\"CVE-1-2\"]\necosystem = \"npm\"\npackage = \"a\"\n\
                        shows = \"a flag\"\nprogram = \"check.cjs\"\n";

    const SEEN: &str = "[seen]\nvulnerable = \"1\"\nfixed = \"2\"\n";

    #[test]
    fn every_bundled_reproducer_can_be_read_and_is_whole() {
        let library = Library::bundled().unwrap();
        for ecosystem in [Ecosystem::CratesIo, Ecosystem::Npm, Ecosystem::PyPi] {
            let count = library
                .entries()
                .iter()
                .filter(|entry| entry.reproducer.ecosystem == ecosystem)
                .count();
            assert!(count >= 15, "{ecosystem}: {count}");
        }
        let mut names = BTreeSet::new();
        for Entry { reproducer, .. } in library.entries() {
            let name = &reproducer.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(reproducer.seen.is_some(), "{name} was seen nowhere");
            assert!(reproducer.says_when_done(), "{name} does not say when done");
            let is_sentence_part = !reproducer.shows.ends_with('.');
            assert!(is_sentence_part, "{name}: {}", reproducer.shows);
        }
    }

    #[test]
    fn a_description_that_breaks_a_rule_is_refused_with_the_rule() {
        assert!(with(GOOD).is_ok());
        for (description, wanted) in [
            (GOOD.replace("\"CVE-1-2\"", ""), "advisories"),
            (GOOD.replace("CVE-1-2", "../x"), "../x"),
            (GOOD.replace("npm", "Go"), "Go"),
            (GOOD.replace("check.cjs", "../check.cjs"), "check.cjs or"),
            (GOOD.replace("check.cjs", "check.mjs"), "check.mjs"),
            (format!("{GOOD}time_limit_s = 9999\n"), "time_limit_s"),
            (format!("{GOOD}inputs = [\"a\\u0000\"]\n"), "inputs"),
            (format!("{GOOD}surprise = 1\n"), "surprise"),
            (format!("{GOOD}{SEEN}requires = [\"b<2\"]\n"), "not for npm"),
        ] {
            let error = format!("{:#}", with(&description).unwrap_err());
            assert!(error.contains(wanted), "{description}: {error}");
        }
    }

    #[test]
    fn what_stands_beside_a_release_is_a_package_of_an_index() {
        let with = |requires: &str| {
            let about = GOOD.replace("npm", "PyPI").replace("check.cjs", "check.py");
            let text = format!("{about}{SEEN}requires = [{requires}]\n");
            parse("name", |file| match file {
                DESCRIPTION => Ok(text.clone()),
                _ => Ok(String::new()),
            })
        };
        let seen = with("\"b<2\", \"c==1\"").unwrap().seen.unwrap();
        assert_eq!(seen.requires, ["b<2", "c==1"]);
        for bad in ["\"b @ file:///b\"", "\"-r b\"", "\"b\\n--pre\"", "\"./b\""] {
            let error = format!("{:#}", with(bad).unwrap_err());
            assert!(error.contains("`requires` has"), "{bad}: {error}");
        }
        let many = vec!["\"b\""; REQUIRES_MAX + 1].join(",");
        assert!(with(&many).is_err());
    }

    #[test]
    fn a_project_s_reproducers_are_read_without_following_links() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(PROJECT_FOLDER).join("own");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join(DESCRIPTION), GOOD).unwrap();
        std::fs::write(own.join("check.cjs"), "").unwrap();
        let linked = folder.path().join(PROJECT_FOLDER).join("linked");
        std::fs::create_dir_all(&linked).unwrap();
        std::fs::write(linked.join(DESCRIPTION), GOOD).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", linked.join("check.cjs")).unwrap();
        let mut library = Library::default();
        library.add_project(&source::open_dir(folder.path()).unwrap());
        assert_eq!(library.entries().len(), 1);
        assert_eq!(library.entries()[0].reproducer.name, "own");
        assert!(
            library.problems[0].contains("linked"),
            "{:?}",
            library.problems
        );
    }
}
