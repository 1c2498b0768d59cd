//! Runs a reproducer's command on many inputs in one start of the sandbox: quick, and less apart
//! than [single runs](super::shots), since what one run leaves the next one sees. What is red or
//! surprising here is therefore run again alone. Decides nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use backstitch_model::RelPath;
use backstitch_model::oracle::{End, Run};
use backstitch_model::tree_reproducer::{Delivery, INPUT};

use super::behaviour::Behaviour;
use super::shots::{Given, INPUTS_INSIDE, Stage, file_name, sanitizers};
use crate::sandbox::{Access, Exit};
use crate::workbench::error::{Doing, VerifyError};
use crate::workbench::files;
use crate::workbench::session::{Running, mount};
use crate::workbench::tested::ended_how;

/// Where a job writes what its runs printed.
const PRINTED_INSIDE: &str = "/sandbox/printed";
/// How long one run may take among others, in seconds.
const EACH_S: u64 = 5;
/// How many times as long as the longest run before it: one that hangs must not use up the time of
/// all that come after it.
const TIMES: u32 = 4;
/// After so many that hung, the others get less time.
pub(super) const HUNG_MAX: usize = 3;
/// The least and the most of that, in seconds.
const HURRIED_S: (f64, f64) = (0.3, 1.0);
/// The most that one run may write to a file, in the shell's blocks of 512 bytes: 1 MiB.
const BLOCKS_MAX: u64 = 2048;
/// The most that is read of one output, in bytes.
const PRINTED_BYTES_MAX: u64 = BLOCKS_MAX * 512;
/// What is read of the list of ends, in bytes.
const ENDS_BYTES_MAX: u64 = 64 << 10;
/// What the driver prints where it has no means to end a run that hangs.
const NO_TIMEOUT: &str = "no-timeout";
/// `timeout` could not do its work.
const TIMEOUT_FAILED: i32 = 125;
/// A shell adds this to the number of the signal that ended a program.
const BY_SIGNAL: i32 = 128;
/// The signal of what `timeout` ended.
const KILLED: i32 = 9;
/// The signal of what wrote too large a file.
const TOO_LARGE: i32 = 25;

/// What one of many runs did.
pub(super) struct Glance {
    pub(super) run: Run,
    pub(super) behaviour: Behaviour,
    /// It ended in a way that tells something only where it is alone.
    pub(super) is_unclear: bool,
}

impl Stage<'_> {
    /// Runs the command with each input in turn, as far as `time` allows. Answers what the first of
    /// them did: fewer than all where one ended the driver, or time was over.
    pub(super) fn volley(
        &mut self,
        all: &[Given],
        time: Duration,
    ) -> Result<Vec<Glance>, VerifyError> {
        let session = self.workbench.session();
        let (inputs, printed) = (self.work.join("inputs"), self.work.join("printed"));
        for folder in [&inputs, &printed] {
            if folder.symlink_metadata().is_ok() {
                session.sandbox().discard(folder)?;
            }
            fs::create_dir_all(folder).doing("make directory", folder)?;
        }
        let seen = session.seen(&inputs, INPUTS_INSIDE);
        let mut script = self.driver(&session.seen(&printed, PRINTED_INSIDE));
        let mut commands = Vec::new();
        for (number, given) in all.iter().enumerate() {
            let path = match &given.input {
                Some(input) => {
                    let (folder, name) = (inputs.join(number.to_string()), file_name(input));
                    fs::create_dir_all(&folder).doing("make directory", &folder)?;
                    let file = folder.join(&name);
                    fs::write(&file, &input.bytes).doing("write", &file)?;
                    Some(seen.join(number.to_string()).join(name))
                }
                None => None,
            };
            let path = path.map(|path| path.to_string_lossy().into_owned());
            let words: Vec<String> = given
                .argv
                .iter()
                .map(|word| match &path {
                    Some(path) => word.replace(INPUT, path),
                    None => word.clone(),
                })
                .collect();
            let stdin = path
                .as_deref()
                .filter(|_| self.reproducer.delivery() == Delivery::StandardInput)
                .unwrap_or("/dev/null");
            let quoted_words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            let (stdin, line) = (quoted(stdin), quoted_words.join(" "));
            let _infallible = writeln!(script, "run {number} {stdin} {line}");
            commands.push(words.into_iter().chain(path).collect::<Vec<_>>());
        }
        let driver = inputs.join("driver.sh");
        fs::write(&driver, script).doing("write", &driver)?;
        for folder in [&inputs, &printed] {
            session.sandbox().own(folder)?;
        }
        let ends = self.drive(&seen.join("driver.sh"), &inputs, &printed, time)?;
        let told = commands.into_iter().zip(ends).enumerate();
        Ok(told
            .map(|(number, (words, status))| glance(&printed, number, words, status))
            .collect())
    }

    /// Runs the driver; answers the ends of the runs that it came to, in order.
    fn drive(
        &mut self,
        driver: &Path,
        inputs: &Path,
        printed: &Path,
        time: Duration,
    ) -> Result<Vec<i32>, VerifyError> {
        let session = self.workbench.session();
        let logs = self.logs()?;
        let fresh = self.fresh()?;
        let mut surroundings = self.workbench.manager.surroundings(&fresh)?;
        sanitizers(&mut surroundings);
        surroundings
            .mounts
            .push(mount(inputs, INPUTS_INSIDE, Access::ReadOnly));
        surroundings
            .mounts
            .push(mount(printed, PRINTED_INSIDE, Access::ReadWrite));
        let ended = session.run_apart(
            Running {
                trial: &fresh,
                surroundings,
                argv: &["sh".into(), driver.to_string_lossy().into_owned()],
                name: "reproducer",
                wall_s: Some(time.as_secs().max(1) + EACH_S),
            },
            &logs,
            ENDS_BYTES_MAX,
        )?;
        if ended.ran.exit == Exit::Cancelled {
            return Err(VerifyError::Cancelled);
        }
        let text = fs::read(&ended.stdout).doing("read log", &ended.stdout)?;
        session.sandbox().discard(&self.work.join("fresh"))?;
        session.sandbox().discard(&logs)?;
        let text = String::from_utf8_lossy(&text);
        let told = text.lines().enumerate().map_while(|(number, line)| {
            let (own, status) = line.split_once(' ')?;
            let is_next = own.parse() == Ok(number);
            status.parse().ok().filter(|_| is_next)
        });
        Ok(told.collect())
    }

    /// How long one of many runs may take, in seconds.
    pub(super) fn each_s(&self) -> u64 {
        let each_s = (self.longest * TIMES).as_secs() + 1;
        each_s.min(self.reproducer.time_limit_s).clamp(1, EACH_S)
    }

    /// The beginning of the script that runs them all. It ends what hangs, and removes what a run
    /// left in the folder for temporary files.
    fn driver(&self, printed: &Path) -> String {
        let printed = quoted(&printed.to_string_lossy());
        let each_s = self.each_s();
        let (least, most) = HURRIED_S;
        let hurried_s = (self.longest * TIMES).as_secs_f64().clamp(least, most);
        let hung = if self.is_hurried { HUNG_MAX } else { 0 };
        // Outside a sandbox that folder is not the job's own.
        let tidy = if self.workbench.session().sandbox().is_confined() {
            "set -- /tmp/* /tmp/.[!.]*\n\
             for left; do [ ! -e \"$left\" ] || rm -rf \"$left\"; done\n"
        } else {
            ""
        };
        // Some `timeout` takes whole seconds only.
        format!(
            "command -v timeout >/dev/null || {{ echo {NO_TIMEOUT}; exit 0; }}\n\
             P={printed} T={each_s} L={hurried_s:.1} H={hung}\n\
             timeout $L true 2>/dev/null || L=1\n\
             [ $H -lt {HUNG_MAX} ] || T=$L\n\
             run() {{\n\
             n=$1 in=$2; shift 2\n\
             ( ulimit -f {BLOCKS_MAX}; exec timeout -s KILL $T \"$@\" ) \
             <\"$in\" >\"$P/$n.out\" 2>\"$P/$n.err\"\n\
             s=$?; echo \"$n $s\"\n\
             if [ $s = {timed_out} ]; then H=$((H+1)); [ $H -lt {HUNG_MAX} ] || T=$L; fi\n\
             {tidy}}}\n",
            timed_out = BY_SIGNAL + KILLED,
        )
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// What a run did. Its files may be anything by now: what is no plain file of a fit size is unclear.
fn glance(printed: &Path, number: usize, words: Vec<String>, status: i32) -> Glance {
    let read = |ending: &str| {
        let name = RelPath::new(format!("{number}.{ending}")).ok()?;
        files::bytes(printed, &name, PRINTED_BYTES_MAX).ok()?
    };
    let (out, err) = (read("out"), read("err"));
    let is_whole = out.is_some() && err.is_some();
    let text =
        |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    let (stdout, stderr) = (text(out), text(err));
    let signal = status - BY_SIGNAL;
    let (end, exit) = match signal {
        KILLED => (End::TimedOut, Exit::TimedOut),
        1..=64 => (End::Signal(signal), Exit::Signal(signal)),
        _ => (End::Code(status), Exit::Code(status)),
    };
    Glance {
        behaviour: Behaviour::new(ended_how(exit), &stdout, &stderr),
        is_unclear: !is_whole || [TIMEOUT_FAILED, BY_SIGNAL + TOO_LARGE].contains(&status),
        run: Run {
            end,
            stdout,
            stderr,
            truncated: false,
            words,
        },
    }
}
