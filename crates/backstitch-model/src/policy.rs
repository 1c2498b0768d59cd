//! What a user allows a fix to do. Read from `backstitch.toml` by the binary.

/// What a fix may do and how much a run may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The largest version step a package may take.
    pub bump_max: Bump,
    /// How old a release must be before it is taken, in days.
    pub release_age_min_days: u32,
    /// Packages never moved.
    pub leave_alone: Vec<String>,
    /// How many candidates are tried for one package.
    pub attempts_max: usize,
    /// How many fixes that touch different things are built and tested together; 1 for one by one.
    pub together_max: usize,
    /// The command that builds the project; found by itself when `None`.
    pub build_command: Option<Vec<String>>,
    /// The command that tests the project; found by itself when `None`.
    pub test_command: Option<Vec<String>>,
    /// What one command in the sandbox may use.
    pub limits: CommandLimits,
    /// What a fix has to be worth to be put on a branch; others are left as patch files.
    pub deliver_min: Worth,
    /// May the inputs that show a flaw stand in evidence and reports?
    pub inputs: Inputs,
}

/// What a fix that settles a finding is worth, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Worth {
    /// It was built and tested.
    Tested,
    /// A reproducer was red before and green after, too.
    Proven,
}

/// Whether inputs that show a flaw are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Inputs {
    /// They may be shown.
    Shown,
    /// They are in nothing that could be passed on.
    Private,
}

/// A step from one version to a later one, smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bump {
    /// Only the patch number rises.
    Patch,
    /// The ecosystem calls the two compatible (in Cargo: the leftmost non-zero number stays).
    Compatible,
    /// The ecosystem does not.
    Breaking,
}

/// What one command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Wall-clock time, in seconds.
    pub wall_s: u64,
    /// Memory of all its processes together, in bytes.
    pub memory_bytes_max: u64,
    /// Bytes it may write to disk.
    pub disk_bytes_max: u64,
    /// Bytes it may print.
    pub output_bytes_max: u64,
    /// Processes and threads at one time.
    pub processes_max: u64,
}

impl Default for CommandLimits {
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            wall_s: 1800,
            memory_bytes_max: 8 * GIB,
            disk_bytes_max: 20 * GIB,
            output_bytes_max: GIB / 16,
            processes_max: 1024,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bump_max: Bump::Compatible,
            release_age_min_days: 3,
            leave_alone: Vec::new(),
            attempts_max: 4,
            together_max: 64,
            build_command: None,
            test_command: None,
            limits: CommandLimits::default(),
            deliver_min: Worth::Tested,
            inputs: Inputs::Private,
        }
    }
}
