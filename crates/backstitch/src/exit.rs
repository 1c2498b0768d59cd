//! The exit codes: one enum, documented here and in the README.

use std::process::ExitCode;

use backstitch_model::Verdict;
use backstitch_model::verdict::Conclusion;

/// How a command ended, as its exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did its job and no vulnerability is left.
    NothingLeft,
    /// 1: it did its job and vulnerabilities are left.
    FindingsLeft,
    /// 2: it was called in a way it does not understand.
    Usage,
    /// 3: it could not do its job; the message says what to do.
    CouldNot,
    /// 4: a change was judged, and nothing can be concluded.
    Inconclusive,
    /// 5: a change was judged: what was flagged is gone, and no more than that could be run.
    Resolved,
    /// 6: a change was judged and is proven, and programs behave differently.
    Differs,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::NothingLeft => 0,
            Self::FindingsLeft => 1,
            Self::Usage => 2,
            Self::CouldNot => 3,
            Self::Inconclusive => 4,
            Self::Resolved => 5,
            Self::Differs => 6,
        }
    }

    /// How judging a change ends: 0 for what may be merged, 1 for what is rejected.
    pub fn of_verdict(verdict: &Verdict) -> Self {
        match verdict.conclusion {
            Conclusion::Proven | Conclusion::Tested | Conclusion::Clean => Self::NothingLeft,
            Conclusion::ProvenDiffers(_) => Self::Differs,
            Conclusion::Resolved => Self::Resolved,
            Conclusion::Rejected(..) => Self::FindingsLeft,
            Conclusion::Inconclusive(_) => Self::Inconclusive,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
