//! Backstitch's nouns and the decisions that need nothing but data.
//!
//! No I/O, no serialisation, no command line: a verdict computed here is computed
//! the same way in a test, in the loop and in a report. Read in the order below:
//! an *advisory* names a *package*; it and a project's *graph* make a *finding*;
//! a *candidate* proposes a fix under a *policy*; *check*s give *evidence*; the
//! *verdict* follows from the evidence; a *record* is one finding's whole story.

pub mod advisory;
pub mod lock;
pub mod names;
pub mod package;
pub mod pins;
pub mod project;
pub mod python;
pub mod registry;
pub mod version;

pub mod finding;

pub mod candidate;
pub mod policy;

pub mod check;
pub mod evidence;
pub mod oracle;
pub mod record;
pub mod reproducer;
pub mod tests;
pub mod tree_reproducer;
pub mod verdict;
pub mod weakness;

pub mod digest;
pub mod path;

pub use advisory::{Advisory, AdvisoryId, AffectedRange};
pub use candidate::{Candidate, Change};
pub use check::{Check, CheckRun, Outcome};
pub use digest::Digest;
pub use evidence::Evidence;
pub use finding::{Finding, FindingId, FindingKind};
pub use lock::LockFormat;
pub use oracle::Oracle;
pub use path::RelPath;
pub use policy::Policy;
pub use project::Project;
pub use record::Record;
pub use reproducer::Reproducer;
pub use tree_reproducer::TreeReproducer;
pub use verdict::Verdict;
