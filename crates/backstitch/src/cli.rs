//! The command line, parsed once into values the commands use as they are.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Finds known vulnerabilities in a repository, fixes each with the least risky change,
/// and proves the fix by building and testing in a sandbox.
///
/// It works offline and asks no AI model, unless your own settings list one. Your working tree is never touched: what comes
/// out is a branch, or patch files where there is no git repository.
#[derive(Debug, Parser)]
#[command(name = "backstitch", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  backstitch demo                     run the whole loop on the bundled example
  backstitch find                     list what is known to be wrong here
  backstitch run                      find, fix, prove, and leave a branch
  backstitch run --format json        the same, for a machine
  backstitch explain RUSTSEC-2022-0013
  backstitch db update                bring the newest advisories

Exit codes:
  0  the job is done and no vulnerability is left
  1  the job is done and vulnerabilities are left
  2  the command line was not understood
  3  the job could not be done; the message says what to do
  4  test: Inconclusive (test ends with 0 for Proven, Tested and Clean, with 1 for Rejected)
  5  test: Resolved, and nothing was tested
  6  test: Proven, behaviour differs here";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find, fix, prove, and leave a branch with one commit a fix.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArguments>),
    /// Judge anyone's change: a patch, a range of commits or a branch.
    #[command(after_help = TEST_EXAMPLES)]
    Test(Box<TestArguments>),
    /// List findings; change nothing, run nothing.
    Find(FindArguments),
    /// Tell what an advisory says, why it is here, what would fix it and what happened.
    Explain(ExplainArguments),
    /// Bring, import or describe advisories.
    #[command(subcommand)]
    Db(DbCommand),
    /// List, begin or check reproducers: programs that show whether a flaw is there.
    #[command(subcommand)]
    Reproducer(ReproducerCommand),
    /// List the engines of your settings, try them, or show what one would be told.
    #[command(after_help = ENGINES_EXAMPLES)]
    Engines(EnginesArguments),
    /// Give every engine of your settings the same weaknesses, and judge what each proposes.
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArguments),
    /// Serve coding agents over the Model Context Protocol: find, explain, brief, judge a patch.
    #[command(after_help = MCP_EXAMPLES)]
    Mcp(McpArguments),
    /// Show or verify what earlier runs observed.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Run the loop on the bundled example, in a temporary folder.
    Demo(DemoArguments),
    /// Write a commented backstitch.toml.
    Init {
        /// The project.
        #[arg(default_value = ".")]
        path: PathBuf,
    },
}

const RUN_EXAMPLES: &str = "\
Examples:
  backstitch run                        the repository around this folder
  backstitch run ../service             another one
  backstitch run --only regex           only the findings in one package
  backstitch run --only CVE-2022-24713  only one finding
  backstitch run --offline              no network: nothing is fetched
  backstitch run --sarif scan.sarif --rescan 'semgrep scan --sarif --config rules.yml'
                                        also what a scanner says of your own code; needs an engine
  backstitch run --reproducer './tool {input}' --input crash.bin --benign good.bin
                                        also what a reproducer shows; needs an engine";

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object, described in docs/json.md.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

/// What keeps the project's programs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SandboxChoice {
    /// Namespaces, a system call filter and limits; refuses to run without them.
    Auto,
    /// Nothing: the project's code runs as you. Recorded in every verdict.
    None,
}

/// What several commands take.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Use this advisory index instead of the installed one.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Never use the network.
    #[arg(long)]
    pub offline: bool,
}

/// `backstitch run`.
#[derive(Debug, Clone, Args)]
pub struct RunArguments {
    /// The project: a repository, or a folder in one, or a plain folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Only findings of this advisory id, alias or package, or of this rule or fingerprint of a
    /// scanner's report; may be given again.
    #[arg(long, value_name = "ID|PACKAGE")]
    pub only: Vec<String>,
    /// What is wrong with the project's own code, besides.
    #[command(flatten)]
    pub shown: ShownArguments,
    /// Settings to use instead of the project's own backstitch.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What keeps the project's programs in while they build and test.
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// A folder of reproducers besides the bundled and the project's own; may be given again.
    #[arg(long, value_name = "DIR")]
    pub reproducers: Vec<PathBuf>,
    /// Forget what an interrupted run had already done.
    #[arg(long)]
    pub fresh: bool,
    /// What is recorded or replayed of the engines.
    #[command(flatten)]
    pub recording: Recording,
    /// What several commands take.
    #[command(flatten)]
    pub common: Common,
}

/// What is kept of the exchanges with engines, or stands in for them.
#[derive(Debug, Clone, Default, Args)]
pub struct Recording {
    /// Write every exchange with an engine to this file; keys are not in it.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Let this recording answer in place of the engines; nothing is sent.
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub replay: Option<PathBuf>,
}

const TEST_EXAMPLES: &str = "\
Examples:
  backstitch test --branch renovate/all                 a bot's branch
  backstitch test --rev main..fix --finding CVE-2022-24713
  git diff --cached | backstitch test --patch -         what is about to be committed
  backstitch test --patch fix.patch --reproducer './parse {input}' --input crash.bin --benign ok.bin
  backstitch test --patch fix.patch --sarif scan.sarif --finding py/path-injection

The last line is `verdict: …`. Exit codes:
  0  Proven, Tested or Clean: it may be merged
  1  Rejected, by the rung that the verdict names
  2  the command line was not understood
  3  the job could not be done; the message says what to do
  4  Inconclusive: nothing can be concluded
  5  Resolved: what was flagged is gone, and no test could be run
  6  Proven, and programs behave differently on inputs that showed no flaw";

/// `backstitch test`.
#[derive(Debug, Clone, Args)]
pub struct TestArguments {
    /// The project: a repository, or a folder in one, or a plain folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The change.
    #[command(flatten)]
    pub change: ChangeArguments,
    /// What it is said to fix: an advisory's id, an alias, a package, or a rule or fingerprint of a
    /// scanner's report; may be given again.
    #[arg(long, value_name = "ID")]
    pub finding: Vec<String>,
    /// What is wrong, and what shows it.
    #[command(flatten)]
    pub shown: ShownArguments,
    /// A folder of reproducers of packages besides the bundled and the project's own, for a change
    /// that moves packages; may be given again.
    #[arg(long, value_name = "DIR")]
    pub reproducers: Vec<PathBuf>,
    /// The command that builds, instead of what is detected.
    #[arg(long, value_name = "CMD")]
    pub build: Option<String>,
    /// The command that tests, instead of what is detected.
    #[arg(long, value_name = "CMD")]
    pub test: Option<String>,
    /// Settings to use instead of the project's own backstitch.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What keeps the project's programs in.
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// Build and test the untouched project again, even where an earlier run has.
    #[arg(long)]
    pub fresh: bool,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub format: TestFormat,
    /// Use this advisory index instead of the installed one.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Never use the network.
    #[arg(long)]
    pub offline: bool,
}

/// What says what is wrong with the project's own code, and shows it.
#[derive(Debug, Clone, Default, Args)]
pub struct ShownArguments {
    /// Shows the flaw: a command that is run in the project's tree, or a file that describes one
    /// (docs/test.md). `{input}` stands for an input's path; without it inputs come as standard
    /// input.
    #[arg(long, value_name = "FILE|CMD")]
    pub reproducer: Option<String>,
    /// A file that makes the reproducer show the flaw; may be given again.
    #[arg(long, value_name = "FILE", requires = "reproducer")]
    pub input: Vec<PathBuf>,
    /// A file that shows no flaw and must go on working; may be given again.
    #[arg(long, value_name = "FILE", requires = "reproducer")]
    pub benign: Vec<PathBuf>,
    /// How a run shows the flaw: exit-signal, asan, ubsan, rust-panic, uncaught-exception or
    /// exit:N. Recognised from the untouched tree's run where it is not given.
    #[arg(long, requires = "reproducer")]
    pub oracle: Option<String>,
    /// What another scanner reported of the untouched project, as SARIF 2.1.0; may be given again.
    #[arg(long, value_name = "FILE")]
    pub sarif: Vec<PathBuf>,
    /// The command that runs that scanner, printing SARIF to standard output; run in the sandbox.
    #[arg(long, value_name = "CMD", requires = "sarif")]
    pub rescan: Option<String>,
}

/// Exactly one of these names the change.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct ChangeArguments {
    /// A unified diff, as `git diff` or `diff -u` write it; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
    /// From one commit to another: `A..B`, or `A...B` from where they parted.
    #[arg(long, value_name = "A..B")]
    pub rev: Option<String>,
    /// All of a branch, from where it parted from HEAD.
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
}

/// How a judgement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people.
    Text,
    /// One JSON object, described in docs/test.md.
    Json,
}

/// `backstitch find`.
#[derive(Debug, Clone, Args)]
pub struct FindArguments {
    /// The project: a folder, or a lockfile.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What several commands take.
    #[command(flatten)]
    pub common: Common,
}

/// `backstitch explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArguments {
    /// An advisory's id or alias.
    pub id: String,
    /// The project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// What several commands take.
    #[command(flatten)]
    pub common: Common,
}

/// `backstitch demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArguments {
    /// What keeps the example's programs in while they build and test.
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `backstitch db`.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Download OSV's archives and compile the index.
    #[command(
        after_help = "Examples:\n  backstitch db update\n  backstitch db update --ecosystem npm --ecosystem PyPI"
    )]
    Update {
        /// Which ecosystems, by their OSV names; may be given again.
        #[arg(long, default_values_t = [String::from("crates.io")])]
        ecosystem: Vec<String>,
        /// Where the archives are, instead of OSV's own location.
        #[arg(long, value_name = "URL")]
        location: Option<String>,
    },
    /// Compile the index from files at hand.
    #[command(
        after_help = "Examples:\n  backstitch db import all.zip\n  backstitch db import advisory-db/   (a checkout of the RustSec database)\n  backstitch db import rust.tar.xz go.tar.xz"
    )]
    Import {
        /// Folders, .json, .zip or .tar.xz files of OSV records, or checkouts of the Rust advisory database.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Say which advisories are installed, how many and how old, and check the file.
    Info {
        /// How results are written.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

const MCP_EXAMPLES: &str = "\
Examples:
  backstitch mcp                                this folder, over standard input and output
  backstitch mcp ../service ../web              two projects, and nothing else
  backstitch mcp --http 127.0.0.1:7391          over HTTP; the token that it asks for is printed
  backstitch mcp --http 127.0.0.1:7391 --token-file ~/.config/backstitch/mcp-token";

/// `backstitch mcp`.
#[derive(Debug, Clone, Args)]
pub struct McpArguments {
    /// The folders that a client may name projects in.
    #[arg(value_name = "ROOT", default_value = ".")]
    pub roots: Vec<PathBuf>,
    /// Serve over HTTP at this address of this machine, such as 127.0.0.1:7391 (port 0 takes a
    /// free one), instead of over standard input and output.
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Read the token that HTTP clients must send from this file; it is made, for your eyes alone,
    /// where it is missing. Without it a new token is printed at each start.
    #[arg(long, value_name = "FILE", requires = "http")]
    pub token_file: Option<PathBuf>,
    /// Settings to use instead of the projects' own backstitch.toml.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Use this advisory index instead of the installed one.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// Never use the network, but for the address that is served.
    #[arg(long)]
    pub offline: bool,
}

/// `backstitch ledger`.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Show the events of the newest run of a project, or of one run.
    Show {
        /// The project.
        #[arg(default_value = ".")]
        path: PathBuf,
        /// The run.
        #[arg(long)]
        run: Option<String>,
        /// How results are written.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Check that no event was changed, removed or put in another order.
    Verify,
}

/// `backstitch reproducer`.
#[derive(Debug, Subcommand)]
pub enum ReproducerCommand {
    /// List every reproducer at hand.
    List {
        /// The project.
        #[arg(default_value = ".")]
        path: PathBuf,
        /// A folder of reproducers besides the bundled and the project's own; may be given again.
        #[arg(long, value_name = "DIR")]
        reproducers: Vec<PathBuf>,
        /// How results are written.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Run reproducers on a release with the flaw and on one without; needs the registries.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Write the beginnings of a reproducer.
    #[command(
        after_help = "Example:\n  backstitch reproducer new left-pad-flag --ecosystem npm --package left-pad --advisory CVE-2030-1"
    )]
    New(NewArguments),
}

const ENGINES_EXAMPLES: &str = "\
Examples:
  backstitch engines                            which there are, and where they may be reached
  backstitch engines check                      ask each for a small repair, and prove it
  backstitch engines brief RUSTSEC-2022-0013    what an engine would be told; asks none
  backstitch engines ask brief.json --patch proposed.patch
                                                send a brief that you have looked at";

const BENCH_EXAMPLES: &str = "\
Examples:
  backstitch bench                               every engine, on every case that comes with the program
  backstitch bench --engine local --case c-pxr   one engine, one case
  backstitch bench --check                       are the cases sound? asks no engine";

/// `backstitch bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchArguments {
    /// A folder of cases, instead of those that come with the program (data/corpus/README.md).
    pub cases: Option<PathBuf>,
    /// Only this case; may be given again.
    #[arg(long, value_name = "NAME")]
    pub case: Vec<String>,
    /// Only this engine; may be given again.
    #[arg(long, value_name = "NAME")]
    pub engine: Vec<String>,
    /// Judge each case's own right patch instead: it has to be Proven.
    #[arg(long, conflicts_with = "engine")]
    pub check: bool,
    /// What is recorded or replayed of the engines.
    #[command(flatten)]
    pub recording: Recording,
    /// What keeps the cases' programs in.
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// How results are written.
    #[arg(long, value_enum, default_value_t = TestFormat::Text)]
    pub format: TestFormat,
}

/// `backstitch engines`.
#[derive(Debug, Clone, Args)]
pub struct EnginesArguments {
    /// What to do; without it they are listed.
    #[command(subcommand)]
    pub command: Option<EnginesCommand>,
}

/// What `backstitch engines` can do besides listing them.
#[derive(Debug, Clone, Subcommand)]
pub enum EnginesCommand {
    /// Ask each engine for a small repair that comes with the program, and run its proof.
    Check {
        /// Which ones; all of them where none is named.
        names: Vec<String>,
        /// What is recorded or replayed.
        #[command(flatten)]
        recording: Recording,
    },
    /// Show exactly what an engine would be told of a finding. Nothing is sent.
    Brief(BriefArguments),
    /// Send a brief that you have looked at, and write what is proposed as a patch.
    Ask(AskArguments),
}

/// `backstitch engines ask`.
#[derive(Debug, Clone, Args)]
pub struct AskArguments {
    /// The brief, as `engines brief --format json` prints it; `-` is the standard input.
    pub brief: PathBuf,
    /// The project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Ask this one; may be given again. All of them, in their order, where none is named.
    #[arg(long)]
    pub engine: Vec<String>,
    /// Where the patch goes.
    #[arg(long, value_name = "FILE")]
    pub patch: PathBuf,
    /// What is recorded or replayed.
    #[command(flatten)]
    pub recording: Recording,
}

/// `backstitch engines brief`.
#[derive(Debug, Clone, Args)]
pub struct BriefArguments {
    /// An advisory's id or alias.
    pub id: String,
    /// The project.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Cut to this engine's size; the first one's where none is named.
    #[arg(long)]
    pub engine: Option<String>,
    /// As words, as a model gets it, or as JSON, as a program does.
    #[arg(long, value_enum, default_value_t = BriefFormat::Text)]
    pub format: BriefFormat,
    /// Use this advisory index instead of the installed one.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
}

/// How a brief is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BriefFormat {
    /// As a model gets it, with what steers a terminal made visible.
    Text,
    /// As a program gets it, byte for byte.
    Json,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  backstitch reproducer check                          all of them
  backstitch reproducer check regex-empty-repetition   only one
  backstitch reproducer check --ecosystem crates.io    those of one ecosystem
  backstitch reproducer check mine --reproducers ../reproducers";

/// `backstitch reproducer check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArguments {
    /// Which ones; all of them where none is named.
    pub names: Vec<String>,
    /// Only those of one ecosystem, by its OSV name.
    #[arg(long)]
    pub ecosystem: Option<String>,
    /// The project whose own reproducers count too.
    #[arg(long, default_value = ".")]
    pub path: PathBuf,
    /// A folder of reproducers besides the bundled and the project's own; may be given again.
    #[arg(long, value_name = "DIR")]
    pub reproducers: Vec<PathBuf>,
    /// What keeps the programs in.
    #[arg(long, value_enum, default_value_t = SandboxChoice::Auto)]
    pub sandbox: SandboxChoice,
    /// Never use the network.
    #[arg(long)]
    pub offline: bool,
}

/// `backstitch reproducer new`.
#[derive(Debug, Clone, Args)]
pub struct NewArguments {
    /// Its name.
    pub name: String,
    /// The package's ecosystem: crates.io, npm or `PyPI`.
    #[arg(long)]
    pub ecosystem: String,
    /// The package.
    #[arg(long)]
    pub package: String,
    /// An id of the flaw; may be given again.
    #[arg(long, required = true)]
    pub advisory: Vec<String>,
    /// The folder it goes into.
    #[arg(long, value_name = "DIR", default_value = ".backstitch/reproducers")]
    pub folder: PathBuf,
}
