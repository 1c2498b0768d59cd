//! What is the user's alone: folders and files that nobody else can read, and texts without the
//! inputs that show a flaw, since those texts are passed on.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use backstitch_model::policy::Inputs;
use backstitch_model::{CheckRun, Outcome};

/// Makes a folder, and those above it that are missing, for the user's eyes alone.
pub fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file for the user's eyes alone, over one that is there.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes.as_ref())
}

/// The run of a check as it may be passed on: without the inputs that variants are named by, where
/// the settings keep them private.
pub fn passed_on(mut run: CheckRun, inputs: Inputs) -> CheckRun {
    match inputs {
        Inputs::Shown => return run,
        Inputs::Private => {}
    }
    run.outcome = match run.outcome {
        Outcome::Failed(why) => Outcome::Failed(without_inputs(&why)),
        Outcome::Differs(why) => Outcome::Differs(without_inputs(&why)),
        Outcome::NotRun(why) => Outcome::NotRun(without_inputs(&why)),
        other @ (Outcome::Passed | Outcome::TimedOut) => other,
    };
    for note in &mut run.notes {
        *note = without_inputs(note);
    }
    run
}

/// Takes out what stands in brackets and backticks behind the word variant, and its number.
fn without_inputs(text: &str) -> String {
    let mut left = text;
    let mut clean = String::with_capacity(text.len());
    while let Some(place) = left.find("variant") {
        let (before, rest) = left.split_at(place + "variant".len());
        clean.push_str(before);
        left = rest;
        let number =
            rest.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let Some(inside) = number.strip_prefix("(`") else {
            continue;
        };
        let Some((_, after)) = inside.split_once('`') else {
            continue;
        };
        let Some((_, after)) = after.split_once(')') else {
            continue;
        };
        clean.push_str(rest[..rest.len() - number.len()].trim_end());
        left = after;
    }
    clean.push_str(left);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::Check;

    #[test]
    fn no_input_is_passed_on_unless_it_is_asked_for() {
        let why = "only the listed input is stopped: variant 12 (`a) variant (\\x60b` and 9 more bytes) \
                   still fails; a variant (`c`) shows the flaw; variants differ";
        let mut run = CheckRun::instant(Check::ReAttack, Outcome::Failed(why.into()));
        run.notes = vec!["variant 3 (`x`) passes".into()];
        let private = passed_on(run.clone(), Inputs::Private);
        let clean = "only the listed input is stopped: variant 12 still fails; a variant shows the \
                     flaw; variants differ";
        assert_eq!(private.outcome, Outcome::Failed(clean.into()));
        assert_eq!(private.notes, ["variant 3 passes"]);
        assert_eq!(passed_on(run.clone(), Inputs::Shown), run);
    }

    #[test]
    fn what_is_written_is_the_user_s_alone_also_over_what_was_not() {
        let place = tempfile::tempdir().unwrap();
        let below = place.path().join("a/b");
        folder(&below).unwrap();
        std::fs::write(below.join("x"), "old").unwrap();
        write(&below.join("x"), "new").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&below), mode(&below.join("x"))), (0o700, 0o600));
        assert_eq!(mode(below.parent().unwrap()), 0o700);
    }
}
