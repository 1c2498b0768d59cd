//! What can be wrong with a patch before anything of it is run, and how that is said. Words
//! only: which patch gets which objection is decided beside this file.

use std::fmt;

use backstitch_model::RelPath;

/// One way in which a patch does something other than mend a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objection {
    /// No file of a program says anything else than before.
    NoCode,
    /// More files or lines change than may.
    Huge,
    /// A file that is not text.
    Binary,
    /// A file in a language that is known could not be read as a program.
    Unread,
    /// A symbolic link comes, goes or leads elsewhere.
    Link,
    /// A submodule comes, goes or points elsewhere.
    Submodule,
    /// A file may be run that could not be.
    Executable,
    /// A file that tools write, or that is a copy of somebody else's.
    NotOurs,
    /// A lockfile's package comes from elsewhere, or is another of the same version.
    Lock,
    /// More than a note's worth changes outside of what the finding is about.
    Elsewhere,
    /// Lines that change in looks alone, in numbers.
    Reformatted,
    /// What is left of a merge, or a remark that the check was gone around.
    Marker,
    /// Printing or stopping for somebody who looks for a mistake.
    DebugLeft,
    /// A test is gone.
    TestGone,
    /// A test is still there and no longer runs.
    TestSkipped,
    /// A test runs and does nothing.
    TestEmptied,
    /// An assertion is gone, or reads differently.
    AssertionWeakened,
    /// What a failure raises is caught in a test.
    TestShielded,
    /// A file of expected results, or the reproducer, differs.
    Oracle,
    /// How tests are found or run differs.
    Harness,
    /// What the project's service builds and tests differs.
    Ci,
    /// A target or test is no longer in the build.
    TargetDropped,
    /// Something comes to run wherever the project is built or installed.
    RunAtBuild,
    /// A sanitizer, a warning or a hardening is switched off.
    SafetyOff,
    /// A finding of a tool is told not to be told.
    Suppressed,
    /// Backstitch's own settings differ.
    OwnSettings,
    /// The reproducing input, its length or its digest is in the code.
    InputKnown,
    /// The code asks whether it is being tested.
    TestDetected,
    /// The code asks who or what started it.
    CallerKnown,
    /// A function does nothing any more.
    Stubbed,
    /// Code is still there and never reached.
    Unreachable,
    /// Something that others may use is gone.
    ExportLost,
    /// Something that others may use is hidden.
    MadePrivate,
    /// Most of a file or of the component is gone.
    FeatureGone,
    /// A case that was handled is not handled any more.
    BranchGone,
    /// A failure is caught and nobody hears of it.
    Swallowed,
    /// The process ends as if all were well, or catches its own crash.
    CrashHidden,
}

impl Objection {
    /// Every kind.
    pub const ALL: [Self; 37] = [
        Self::NoCode,
        Self::Huge,
        Self::Binary,
        Self::Unread,
        Self::Link,
        Self::Submodule,
        Self::Executable,
        Self::NotOurs,
        Self::Lock,
        Self::Elsewhere,
        Self::Reformatted,
        Self::Marker,
        Self::DebugLeft,
        Self::TestGone,
        Self::TestSkipped,
        Self::TestEmptied,
        Self::AssertionWeakened,
        Self::TestShielded,
        Self::Oracle,
        Self::Harness,
        Self::Ci,
        Self::TargetDropped,
        Self::RunAtBuild,
        Self::SafetyOff,
        Self::Suppressed,
        Self::OwnSettings,
        Self::InputKnown,
        Self::TestDetected,
        Self::CallerKnown,
        Self::Stubbed,
        Self::Unreachable,
        Self::ExportLost,
        Self::MadePrivate,
        Self::FeatureGone,
        Self::BranchGone,
        Self::Swallowed,
        Self::CrashHidden,
    ];

    /// Why it matters, as the end of a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::NoCode => "a flaw in code is not mended without changing code",
            Self::Huge => "nobody can review it as the mending of one flaw",
            Self::Binary => "what it does cannot be reviewed",
            Self::Unread => "it was compared as text alone, in which less can be seen",
            Self::Link => "a link can lead a build or a test to another file",
            Self::Submodule => "what it points to is not in the patch",
            Self::Executable => "it may be run where it could not be before",
            Self::NotOurs => "the next copy or generation undoes it, and reviewers skip such files",
            Self::Lock => "a package must be the one that its registry published",
            Self::Elsewhere => "the finding is not about that code",
            Self::Reformatted => "what really changes is hidden among it",
            Self::Marker => "it says itself that it is not finished or not meant",
            Self::DebugLeft => "it was for finding the mistake and is not for users",
            Self::TestGone => "what it held may break unnoticed",
            Self::TestSkipped => "a test that does not run shows nothing",
            Self::TestEmptied => "a test that does nothing always passes",
            Self::AssertionWeakened => "what the untouched project promised is no longer checked",
            Self::TestShielded => "a failure inside it is not told",
            Self::Oracle => "a patch may not change what it is measured by",
            Self::Harness => "a patch may not change how it is measured",
            Self::Ci => "a patch may not change what is checked of it",
            Self::TargetDropped => "what is not built is not tested",
            Self::RunAtBuild => "it runs elsewhere outside of any sandbox, and is judged by nobody",
            Self::SafetyOff => "the flaw would only be no longer seen",
            Self::Suppressed => "the flaw would only be no longer told",
            Self::OwnSettings => "a patch may not change how it is judged",
            Self::InputKnown => "that input is turned away and the cause is left",
            Self::TestDetected => "it may behave one way when tested and another for users",
            Self::CallerKnown => "who calls it has nothing to do with the flaw",
            Self::Stubbed => "the flaw is gone because the function is",
            Self::Unreachable => "the flaw is gone because the code is never run",
            Self::ExportLost => "whoever uses it can build no longer",
            Self::MadePrivate => "whoever uses it can reach it no longer",
            Self::FeatureGone => "the flaw is gone because the feature is",
            Self::BranchGone => "whoever relies on it is served no longer",
            Self::Swallowed => "the failure still happens and nobody hears of it",
            Self::CrashHidden => "a crash would look like success",
        }
    }
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub path: RelPath,
    /// The line, counted from one, where one line can be named.
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_str().escape_debug();
        match self.line {
            None => write!(formatter, "`{path}`"),
            Some(line) => write!(formatter, "`{path}`:{line}"),
        }
    }
}

/// How much something weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The patch is turned away for it.
    Objects,
    /// It may be right or wrong, and only a human can tell.
    Doubts,
    /// A reader should look at it.
    Notes,
}

/// Something that was seen in a patch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// How much it weighs.
    pub weight: Weight,
    /// What kind it is.
    pub objection: Objection,
    /// Where; `None` is the patch as a whole.
    pub place: Option<Place>,
    /// What is there, in words.
    pub what: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        write!(formatter, "{}: {}", self.what, self.objection.why())
    }
}

/// All that was seen in a patch so far.
#[derive(Debug, Default)]
pub struct Sightings {
    seen: Vec<Seen>,
}

/// The most that is kept, so that a patch cannot fill the memory with its own faults.
const SEEN_MAX: usize = 2000;

impl Sightings {
    /// The patch is turned away for this.
    pub fn object(&mut self, objection: Objection, place: Option<Place>, what: String) {
        self.add(Weight::Objects, objection, place, what);
    }

    /// A human has to look at this.
    pub fn doubt(&mut self, objection: Objection, place: Option<Place>, what: String) {
        self.add(Weight::Doubts, objection, place, what);
    }

    /// A reader should look at this.
    pub fn note(&mut self, objection: Objection, place: Option<Place>, what: String) {
        self.add(Weight::Notes, objection, place, what);
    }

    /// Adds one of either weight.
    pub fn add(
        &mut self,
        weight: Weight,
        objection: Objection,
        place: Option<Place>,
        what: String,
    ) {
        // A heavy one is never lost for a light one.
        if self.seen.len() < SEEN_MAX || weight != Weight::Notes && self.seen.len() < 2 * SEEN_MAX {
            self.seen.push(Seen {
                weight,
                objection,
                place,
                what,
            });
        }
    }

    /// Everything, the heavy first, each once.
    pub fn sorted(mut self) -> Vec<Seen> {
        self.seen.sort();
        self.seen.dedup();
        self.seen
    }
}
