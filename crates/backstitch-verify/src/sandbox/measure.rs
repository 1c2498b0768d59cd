//! Measures what a running job uses: its process tree through `/proc`, its disk through the
//! filesystem's free space and, when that gives cause, by looking at every file.

use std::collections::HashSet;
use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, statat};

use super::job::{Access, Mount};
use super::walk::{Next, Visitor, walk};

/// The most directory entries looked at in one measurement of the disk.
const ENTRIES_MAX: u64 = 2_000_000;

/// What a file costs besides its content: its place in the filesystem's tables.
const BYTES_PER_FILE: u64 = 4096;

/// What a process tree uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tree {
    pub(super) tasks: u64,
    pub(super) memory_bytes: u64,
    pub(super) cpu: Duration,
}

/// Measures everything that descends from `root`, itself included; gives up counting past
/// `processes_max`.
pub(super) fn tree(root: i32, processes_max: usize) -> Tree {
    let mut sum = Tree::default();
    for pid in descendants(root, processes_max) {
        let memory = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        sum.memory_bytes += memory_bytes(&memory);
        let times = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let (tasks, ticks) = tasks_and_ticks(&times).unwrap_or((1, 0));
        sum.tasks += tasks;
        sum.cpu += Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_s());
    }
    sum
}

/// Measures the tree's memory with pages that processes share counted once, which is slow.
pub(super) fn memory_shared_once(root: i32, processes_max: usize) -> u64 {
    descendants(root, processes_max)
        .into_iter()
        .map(
            |pid| match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
                Ok(text) => kib_in(&text, "Pss_Anon:") + kib_in(&text, "Pss_Shmem:"),
                Err(_) => memory_bytes(
                    &fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default(),
                ),
            },
        )
        .sum()
}

/// Lists a process and all that descend from it. A child belongs to the thread that made it.
pub(super) fn descendants(root: i32, processes_max: usize) -> Vec<i32> {
    let mut found = vec![root];
    let mut seen = HashSet::from([root]);
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        for child in children(pid) {
            if found.len() >= processes_max {
                return found;
            }
            if seen.insert(child) {
                found.push(child);
            }
        }
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Memory without a file behind it, in bytes, from the text of `/proc/<pid>/status`.
fn memory_bytes(status: &str) -> u64 {
    kib_in(status, "RssAnon:") + kib_in(status, "RssShmem:")
}

fn kib_in(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(0)
        << 10
}

/// Threads and processor ticks, those of reaped children included, from `/proc/<pid>/stat`. The
/// second field is the program's name in parentheses and may hold anything, so counting starts
/// behind the last parenthesis, at field 3 of `proc_pid_stat(5)`.
fn tasks_and_ticks(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = field(14)? + field(15)? + field(16)? + field(17)?;
    Some((field(20)?, ticks))
}

fn ticks_per_s() -> u64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)
        .ok()
        .flatten()
        .and_then(|ticks| u64::try_from(ticks).ok())
        .filter(|&ticks| ticks > 0)
        .unwrap_or(100)
}

/// Watches the space that a job's writable mounts take.
pub(super) struct Disk {
    trees: Vec<PathBuf>,
    bytes_max: u64,
    before: Space,
    /// Free space when the trees were last looked at, and how far it may fall until the next time.
    looked_at: (u64, u64),
}

/// What the trees took and what was free at one time.
#[derive(Debug, Clone, Copy)]
struct Space {
    used: u64,
    free: u64,
}

impl Disk {
    /// Looks at the trees; the job must not have begun.
    pub(super) fn new(mounts: &[Mount], bytes_max: u64) -> Self {
        let trees = mounts.iter().filter_map(|mount| match &mount.access {
            Access::ReadOnly => None,
            Access::ReadWrite => Some(mount.host.clone()),
            Access::Overlay { upper, .. } => Some(upper.clone()),
        });
        let trees: Vec<PathBuf> = trees.collect();
        let before = Space {
            used: look_at(&trees, ENTRIES_MAX).bytes,
            free: free_bytes(&trees),
        };
        Self {
            trees,
            bytes_max,
            before,
            looked_at: (before.free, bytes_max.saturating_sub(before.used) / 2),
        }
    }

    /// Tells whether the trees hold too much. Asking for free space is cheap and done each time;
    /// others use the disk as well, so what counts is a look at the files themselves. Where some
    /// cannot be seen, all that has become of the free space is put to the job's account.
    pub(super) fn is_over(&mut self, job: i32) -> bool {
        if self.trees.is_empty() {
            return false;
        }
        let free = free_bytes(&self.trees);
        let (free_before, slack) = self.looked_at;
        if free_before.saturating_sub(free) < slack {
            return false;
        }
        let seen = look_at(&self.trees, ENTRIES_MAX);
        let mut used = seen.bytes + unlinked_bytes(job, &self.filesystems());
        if !seen.whole {
            let fallen = self.before.free.saturating_sub(free);
            used = used.max(self.before.used.saturating_add(fallen));
        }
        self.looked_at = (free, self.bytes_max.saturating_sub(used) / 2);
        used > self.bytes_max
    }

    fn filesystems(&self) -> HashSet<u64> {
        self.trees
            .iter()
            .filter_map(|tree| Some(fs::symlink_metadata(tree).ok()?.dev()))
            .collect()
    }
}

/// Free space, with a free place for a file worth what a file costs.
fn free_bytes(trees: &[PathBuf]) -> u64 {
    let mut seen = HashSet::new();
    let filesystems = trees
        .iter()
        .filter(|tree| fs::symlink_metadata(tree).is_ok_and(|tree| seen.insert(tree.dev())));
    filesystems
        .filter_map(|tree| nix::sys::statvfs::statvfs(tree.as_path()).ok())
        .map(|status| {
            status.blocks_free() * status.fragment_size() + status.files_free() * BYTES_PER_FILE
        })
        .fold(0, u64::saturating_add)
}

fn look_at(trees: &[PathBuf], entries_max: u64) -> Seen {
    let mut seen = Seen {
        bytes: 0,
        entries_left: entries_max,
        whole: true,
    };
    for tree in trees {
        seen.look_at(tree);
    }
    seen
}

/// What was seen of some trees. A file with several names counts once for each, so that no list
/// of those seen is needed.
struct Seen {
    bytes: u64,
    entries_left: u64,
    /// Was there nothing that could not be seen?
    whole: bool,
}

impl Seen {
    /// Adds what a tree takes on its filesystem.
    fn look_at(&mut self, tree: &Path) {
        if let Err(broken) = walk(tree, self.entries_left, self) {
            self.whole &= is_gone(&broken.source);
        }
    }
}

impl Visitor for Seen {
    fn meet(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<Next> {
        self.entries_left = self.entries_left.saturating_sub(1);
        let status = match statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            Err(error) => {
                self.closed(error.into())?;
                return Ok(Next::Pass);
            }
        };
        let blocks = u64::try_from(status.st_blocks).unwrap_or(0);
        self.bytes = self.bytes.saturating_add(blocks * 512 + BYTES_PER_FILE);
        Ok(match FileType::from_raw_mode(status.st_mode) {
            FileType::Directory => Next::Enter,
            _ => Next::Pass,
        })
    }

    fn closed(&mut self, error: io::Error) -> io::Result<()> {
        self.whole &= is_gone(&error);
        Ok(())
    }
}

/// What was removed since its name was read takes nothing.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// What files take that have lost their last name but are held open by the job.
fn unlinked_bytes(job: i32, filesystems: &HashSet<u64>) -> u64 {
    let mut seen = HashSet::new();
    descendants(job, 4096)
        .into_iter()
        .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok())
        .flat_map(Iterator::flatten)
        .filter_map(|descriptor| fs::metadata(descriptor.path()).ok())
        .filter(|file| file.is_file() && file.nlink() == 0 && filesystems.contains(&file.dev()))
        .filter(|file| seen.insert((file.dev(), file.ino())))
        .map(|file| file.blocks() * 512)
        .sum()
}

/// Watches the memory of the whole machine: a job can hide some from a count by process, in
/// shared memory that nobody maps any more.
pub(super) struct Machine {
    available_bytes_before: u64,
}

impl Machine {
    pub(super) fn now() -> Self {
        Self {
            available_bytes_before: kib_in(&meminfo(), "MemAvailable:"),
        }
    }

    /// Tells whether memory has become scarce since the job began, by more than the job may use.
    /// Someone else can be the cause; ending the job is then the smaller harm.
    pub(super) fn is_short(&self, bytes_max: u64) -> bool {
        let now = meminfo();
        let available = kib_in(&now, "MemAvailable:");
        available < kib_in(&now, "MemTotal:") / 16
            && self.available_bytes_before.saturating_sub(available) > bytes_max
    }
}

fn meminfo() -> String {
    fs::read_to_string("/proc/meminfo").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_full_of_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) R 1) S 1 7 7 0 -1 0 0 0 0 0 11 22 33 44 20 0 5 0 100";
        assert_eq!(tasks_and_ticks(stat), Some((5, 110)));
    }

    #[test]
    fn memory_behind_a_file_does_not_count() {
        assert_eq!(
            memory_bytes("RssAnon:\t  10 kB\nRssFile:\t 999 kB\nRssShmem:\t 2 kB\n"),
            12 << 10
        );
    }

    #[test]
    fn an_empty_file_still_costs_disk() {
        let tree = tempfile::tempdir().unwrap();
        let trees = [tree.path().to_path_buf()];
        let before = look_at(&trees, 100).bytes;
        fs::write(tree.path().join("empty"), "").unwrap();
        assert_eq!(look_at(&trees, 100).bytes, before + BYTES_PER_FILE);
    }

    #[test]
    fn what_was_not_looked_at_or_could_not_be_is_known() {
        let tree = tempfile::tempdir().unwrap();
        let trees = [tree.path().to_path_buf()];
        fs::write(tree.path().join("file"), "").unwrap();
        assert!(look_at(&trees, 2).whole);
        assert!(!look_at(&trees, 1).whole);
        assert!(look_at(&[tree.path().join("gone")], 1).whole);
    }
}
