//! The exit codes: one enum, documented here and in the README.

use std::process::ExitCode;

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
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::NothingLeft => 0,
            Self::FindingsLeft => 1,
            Self::Usage => 2,
            Self::CouldNot => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
