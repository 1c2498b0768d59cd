//! Decides what the runs of a reproducer, of its variants and of its controls on both trees amount
//! to. Pure.

use backstitch_model::Outcome;
use backstitch_model::oracle::{Shown, Signature};
use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use super::shots::{Role, Work};

/// The most differences that are told.
const TOLD_MAX: usize = 3;

/// What a run showed, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Saw {
    Flaw(String),
    Other(String),
    Nothing,
    /// It passed its time or another limit.
    Stopped(String),
    Untold(String),
}

/// What one input showed on the untouched and on the changed tree.
pub(super) struct Pair<'saw> {
    pub(super) name: &'saw str,
    pub(super) before: &'saw Saw,
    pub(super) after: &'saw Saw,
    pub(super) work: Work,
    /// Does a program that looks at a run decide whether it shows the flaw?
    pub(super) is_told: bool,
    /// What a listed input showed on the same build of the untouched tree.
    pub(super) flaw: Option<&'saw str>,
}

/// What an input that shows no flaw does on a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Control {
    pub(super) name: String,
    pub(super) saw: Saw,
    pub(super) behaviour: Behaviour,
    /// Does it do the same each time?
    pub(super) is_steady: bool,
    pub(super) role: Role,
}

impl Saw {
    pub(super) fn of(shown: Shown, stopped: bool) -> Self {
        match shown {
            Shown::Flaw(what) => Self::Flaw(what),
            Shown::Other(what) => Self::Other(what),
            Shown::Nothing => Self::Nothing,
            Shown::Untold(why) if stopped => Self::Stopped(why),
            Shown::Untold(why) => Self::Untold(why),
        }
    }

    /// The failure, where there is one.
    pub(super) fn failure(&self) -> Option<&str> {
        match self {
            Self::Flaw(what) | Self::Other(what) => Some(what),
            Self::Nothing | Self::Stopped(_) | Self::Untold(_) => None,
        }
    }

    fn untold(&self) -> Option<&str> {
        match self {
            Self::Stopped(why) | Self::Untold(why) => Some(why),
            Self::Flaw(_) | Self::Other(_) | Self::Nothing => None,
        }
    }

    fn is_flaw(&self) -> bool {
        matches!(self, Self::Flaw(_))
    }
}

/// What several runs of each listed input on the untouched tree amount to: failed is red.
pub(super) fn before(name: &str, inputs: &[Vec<Saw>]) -> Outcome {
    let red = |runs: &&Vec<Saw>| runs.iter().all(Saw::is_flaw);
    let ever = |runs: &&Vec<Saw>| runs.iter().any(Saw::is_flaw);
    let (reds, evers) = (
        inputs.iter().filter(red).count(),
        inputs.iter().filter(ever).count(),
    );
    if evers > reds {
        let runs = inputs.iter().find(|runs| ever(runs) && !red(runs));
        let (seen, of) = runs.map_or((0, 0), |runs| {
            (runs.iter().filter(|saw| saw.is_flaw()).count(), runs.len())
        });
        return Outcome::NotRun(format!(
            "the flaw shows in {seen} of {of} runs of one input: it depends on chance or the clock"
        ));
    }
    if reds > 0 {
        let what = inputs.iter().flatten().find_map(Saw::failure);
        let what = what.unwrap_or_default();
        return Outcome::Failed(match inputs.len() {
            1 => format!("`{name}`: {what}"),
            of => format!("`{name}`: {what} ({reds} of {of} inputs)"),
        });
    }
    let saws = || inputs.iter().flatten();
    if let Some(what) = saws().find_map(Saw::failure) {
        return Outcome::NotRun(format!(
            "the reproducer fails in another way than was said: {what}"
        ));
    }
    match saws().find_map(Saw::untold) {
        Some(why) => Outcome::NotRun(format!("the reproducer could not tell: {why}")),
        None if inputs.is_empty() => Outcome::NotRun("the reproducer was not run".into()),
        None => Outcome::Passed,
    }
}

/// What the runs of the listed inputs on a changed tree amount to, where they were red before.
pub(super) fn after(name: &str, runs: &[Saw]) -> Outcome {
    for saw in runs {
        match saw {
            Saw::Flaw(what) => {
                return Outcome::Failed(format!("the flaw is still there: `{name}`: {what}"));
            }
            Saw::Other(what) => {
                return Outcome::Failed(format!(
                    "another failure took its place: `{name}`: {what}"
                ));
            }
            Saw::Nothing | Saw::Stopped(_) | Saw::Untold(_) => {}
        }
    }
    match runs.iter().find_map(Saw::untold) {
        Some(why) => Outcome::NotRun(format!("the reproducer could not tell: {why}")),
        None if runs.is_empty() => Outcome::NotRun("the reproducer was not run".into()),
        None => Outcome::Passed,
    }
}

impl Pair<'_> {
    /// Could the failure come of the input's size alone? Some programs that look for a flaw count
    /// steps or bytes; such a one finds too many of them in what is huge, mended or not.
    fn may_be_of_size(&self) -> bool {
        self.is_told && self.work == Work::Huge
    }

    /// Does what it shows now speak against the change?
    pub(super) fn is_held_against(&self) -> bool {
        !self.is_another_flaw() && !self.may_be_of_size()
    }

    /// Is it a failure of another kind than the flaw's, and the same on both trees? Then it is
    /// another flaw, which nobody said is settled.
    pub(super) fn is_another_flaw(&self) -> bool {
        match (self.flaw, self.before.failure(), self.after.failure()) {
            (Some(flaw), Some(before), Some(after)) => {
                let [flaw, before, after] = [flaw, before, after].map(Signature::of);
                before.is_unlike(&flaw) && before == after
            }
            _ => false,
        }
    }
}

/// What variants of the inputs, and the controls, amount to.
pub(super) fn re_attack(variants: &[Pair<'_>], controls: &[(&Control, &Control)]) -> Outcome {
    for (before, after) in controls {
        if let Some(what) = broken(before, after) {
            return Outcome::Failed(what);
        }
    }
    for pair in variants.iter().filter(|pair| pair.is_held_against()) {
        let was_red = pair.before.failure().is_some();
        match pair.after {
            Saw::Flaw(what) | Saw::Other(what) if was_red => {
                return Outcome::Failed(format!(
                    "only the listed input is stopped: {} still fails: {what}",
                    pair.name
                ));
            }
            Saw::Flaw(what) | Saw::Other(what) => {
                return Outcome::Failed(format!(
                    "{} fails that did not fail before: {what}",
                    pair.name
                ));
            }
            // What a heavy one asks for may take long where the flaw no longer cuts it short.
            Saw::Stopped(why) if was_red && pair.work == Work::Usual => {
                return Outcome::Failed(format!("{} no longer fails, but {why}", pair.name));
            }
            Saw::Nothing | Saw::Stopped(_) | Saw::Untold(_) => {}
        }
    }
    let mut red = variants
        .iter()
        .filter(|pair| pair.before.failure().is_some())
        .peekable();
    if red.peek().is_none() {
        Outcome::NotRun("no variant of the input showed the flaw before".into())
    } else if red.any(|pair| *pair.after == Saw::Nothing) {
        Outcome::Passed
    } else {
        Outcome::NotRun("no variant that showed the flaw before could be told after".into())
    }
}

/// Why a control no longer works, where it did.
fn broken(before: &Control, after: &Control) -> Option<String> {
    if before.saw != Saw::Nothing {
        return None;
    }
    let name = &before.name;
    let is_declared = before.role == Role::Declared;
    match &after.saw {
        Saw::Flaw(what) | Saw::Other(what) => Some(format!(
            "an input that showed no flaw now fails: {name}: {what}"
        )),
        Saw::Stopped(why) | Saw::Untold(why) if is_declared => {
            Some(format!("a benign control no longer works: {name}: {why}"))
        }
        Saw::Nothing if is_declared && before.behaviour.end != after.behaviour.end => {
            Some(format!(
                "a benign control no longer works: {name}: {} became {}",
                before.behaviour.end, after.behaviour.end
            ))
        }
        Saw::Nothing | Saw::Stopped(_) | Saw::Untold(_) => None,
    }
}

/// Whether inputs that showed no flaw do the same on both trees. `alike` are those that were only
/// seen to do so; `leaking` are controls that no longer free all that they use.
///
/// What must go on working must do so exactly. A variant of such an input may be refused in other
/// words. And near the flaw the untouched tree may go wrong without showing it, so a difference on a
/// variant of an input that shows the flaw is told, and for a human to weigh.
pub(super) fn compare(
    controls: &[(&Control, &Control)],
    alike: usize,
    leaking: &[String],
) -> (Outcome, Vec<String>) {
    let is_steady = |pair: &&(&Control, &Control)| pair.0.is_steady && pair.1.is_steady;
    let steady: Vec<_> = controls.iter().filter(is_steady).collect();
    let mut notes = Vec::new();
    let unsteady = controls.len() - steady.len();
    if unsteady > 0 {
        notes.push(format!(
            "{unsteady} inputs do not do the same each time and are not compared"
        ));
    }
    let (mut near, mut reworded) = (Vec::new(), 0);
    let leaks = |name: &String| format!("{name}: memory that was freed is not freed any more");
    let mut differing: Vec<String> = leaking.iter().map(leaks).collect();
    for (before, after) in &steady {
        let Some(how) = before.behaviour.difference(&after.behaviour) else {
            continue;
        };
        let told = format!("{}: {how}", before.name);
        let is_reworded = before.behaviour.refuses_like(&after.behaviour);
        match before.role {
            Role::Near | Role::Gentle if is_reworded => reworded += 1,
            // Where text is lost without a word nobody goes wrong unseen but the change.
            Role::Near if !before.behaviour.loses(&after.behaviour) => near.push(told),
            Role::Near | Role::Listed | Role::Declared | Role::Sample | Role::Gentle => {
                differing.push(told);
            }
        }
    }
    if reworded > 0 {
        notes.push(format!(
            "{reworded} variants that were refused are refused in other words"
        ));
    }
    if !near.is_empty() {
        notes.push(format!(
            "near the flaw, variants of the listed input that showed none behave in another way: {}",
            near[..near.len().min(TOLD_MAX)].join("; ")
        ));
    }
    let compared = steady.len() + alike;
    let outcome = if compared == 0 {
        Outcome::NotRun("there is no input that shows no flaw and does the same each time".into())
    } else if differing.is_empty() {
        let same = compared - near.len() - reworded;
        notes.push(format!(
            "{same} inputs that showed no flaw do the same on both trees"
        ));
        Outcome::Passed
    } else {
        Outcome::Differs(format!(
            "{} of {compared} inputs that showed no flaw behave in another way: {}",
            differing.len(),
            differing[..differing.len().min(TOLD_MAX)].join("; ")
        ))
    };
    (outcome, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw() -> Saw {
        Saw::Flaw("signal 11".into())
    }

    fn untold() -> Saw {
        Saw::Untold("exit code 127".into())
    }

    fn control(saw: Saw, end: &str, out: &str, is_declared: bool) -> Control {
        Control {
            name: "`a.csv`".into(),
            saw,
            behaviour: Behaviour::new(end.into(), out, ""),
            is_steady: true,
            role: if is_declared {
                Role::Declared
            } else {
                Role::Sample
            },
        }
    }

    #[test]
    fn red_is_what_is_red_each_time_and_chance_is_neither() {
        let red = |runs: &[Vec<Saw>]| before("r", runs);
        assert!(matches!(red(&[vec![flaw(); 3]]), Outcome::Failed(_)));
        let mixed = [vec![flaw(); 3], vec![Saw::Nothing]];
        assert!(matches!(red(&mixed), Outcome::Failed(_)));
        let chance = [vec![flaw(), Saw::Nothing, flaw()]];
        assert!(matches!(red(&chance), Outcome::NotRun(why) if why.contains("chance")));
        assert_eq!(red(&[vec![Saw::Nothing]]), Outcome::Passed);
        assert!(matches!(red(&[vec![untold()]]), Outcome::NotRun(_)));
        let other = [vec![Saw::Other("panic".into())]];
        assert!(matches!(red(&other), Outcome::NotRun(why) if why.contains("another way")));
        assert!(matches!(red(&[]), Outcome::NotRun(_)));
    }

    #[test]
    fn green_is_only_what_came_to_its_end_each_time() {
        assert_eq!(after("r", &[Saw::Nothing, Saw::Nothing]), Outcome::Passed);
        for not_green in [flaw(), Saw::Other("x".into())] {
            let runs = [Saw::Nothing, untold(), not_green];
            assert!(matches!(after("r", &runs), Outcome::Failed(_)));
        }
        let runs = [Saw::Nothing, Saw::Stopped("time".into())];
        assert!(matches!(after("r", &runs), Outcome::NotRun(_)));
        assert!(matches!(after("r", &[]), Outcome::NotRun(_)));
    }

    #[test]
    fn every_variant_counts_and_one_that_hangs_now_is_not_mended() {
        let weighed = |before: Saw, now: Saw, work: Work, is_told: bool| {
            let green = Saw::Nothing;
            let was = flaw();
            let pairs = [
                Pair {
                    name: "a",
                    before: &was,
                    after: &green,
                    work: Work::Usual,
                    is_told: false,
                    flaw: Some("it died of signal 11"),
                },
                Pair {
                    name: "b",
                    before: &before,
                    after: &now,
                    work,
                    is_told,
                    flaw: Some("it died of signal 11"),
                },
            ];
            re_attack(&pairs, &[])
        };
        let judged = |before: Saw, now: Saw| weighed(before, now, Work::Usual, false);
        assert_eq!(judged(flaw(), Saw::Nothing), Outcome::Passed);
        assert!(matches!(judged(flaw(), flaw()), Outcome::Failed(_)));
        assert!(matches!(judged(Saw::Nothing, flaw()), Outcome::Failed(_)));
        let stopped = Saw::Stopped("it did not end".into());
        assert!(matches!(
            judged(flaw(), stopped.clone()),
            Outcome::Failed(_)
        ));
        assert_eq!(
            weighed(flaw(), stopped.clone(), Work::Heavy, false),
            Outcome::Passed
        );
        let huge = |is_told: bool| weighed(flaw(), flaw(), Work::Huge, is_told);
        assert_eq!(huge(true), Outcome::Passed);
        assert!(matches!(huge(false), Outcome::Failed(_)));
        assert_eq!(judged(Saw::Nothing, stopped), Outcome::Passed);
        assert_eq!(judged(flaw(), untold()), Outcome::Passed);
        let quiet = Saw::Nothing;
        let never = [Pair {
            name: "a",
            before: &quiet,
            after: &quiet,
            work: Work::Usual,
            is_told: false,
            flaw: None,
        }];
        assert!(matches!(re_attack(&never, &[]), Outcome::NotRun(_)));
    }

    #[test]
    fn another_flaw_that_stays_as_it_was_does_not_count() {
        let exception = |name: &str| Saw::Flaw(format!("{name}: 'x'"));
        let (key, unicode) = (exception("KeyError"), exception("UnicodeError"));
        let judged = |before: &Saw, after: &Saw| {
            let pair = Pair {
                name: "a",
                before,
                after,
                work: Work::Usual,
                is_told: false,
                flaw: Some("KeyError: 'y'"),
            };
            let failed = re_attack(&[pair], &[]);
            matches!(failed, Outcome::Failed(_))
        };
        assert!(!judged(&unicode, &unicode));
        assert!(judged(&key, &key) && judged(&unicode, &key) && judged(&key, &unicode));
        // What breaks memory is one kind.
        let signal = Saw::Flaw("it died of signal 11 (SIGSEGV)".into());
        let pair = Pair {
            name: "a",
            before: &signal,
            after: &signal,
            work: Work::Usual,
            is_told: false,
            flaw: Some("==1==ERROR: AddressSanitizer: heap-buffer-overflow"),
        };
        assert!(matches!(re_attack(&[pair], &[]), Outcome::Failed(_)));
    }

    #[test]
    fn a_control_that_no_longer_works_fails_and_one_that_differs_is_for_a_human() {
        let before = control(Saw::Nothing, "exit code 0", "3 rows", true);
        let refused = control(Saw::Nothing, "exit code 1", "", true);
        let other = control(Saw::Nothing, "exit code 0", "2 rows", true);
        let fails =
            |after: &Control| matches!(re_attack(&[], &[(&before, after)]), Outcome::Failed(_));
        assert!(fails(&refused) && !fails(&other) && !fails(&before));
        assert!(fails(&control(flaw(), "signal 11", "", true)));
        assert!(fails(&control(untold(), "exit code 127", "", true)));
        let differs = compare(&[(&before, &other)], 0, &[]).0;
        assert!(
            matches!(differs, Outcome::Differs(how) if how.contains("`3 rows` became `2 rows`"))
        );
        assert_eq!(compare(&[(&before, &before)], 0, &[]).0, Outcome::Passed);
        let leaking = compare(&[(&before, &before)], 0, &["`a.csv`".into()]).0;
        assert!(matches!(leaking, Outcome::Differs(how) if how.contains("freed")));
        let found = Control {
            role: Role::Sample,
            ..before.clone()
        };
        let stricter = Control {
            role: Role::Sample,
            ..refused
        };
        let judged = re_attack(&[], &[(&found, &stricter)]);
        assert!(!matches!(judged, Outcome::Failed(_)));
        assert!(matches!(
            compare(&[(&found, &stricter)], 0, &[]).0,
            Outcome::Differs(_)
        ));
    }

    #[test]
    fn what_is_not_steady_is_not_compared() {
        let before = control(Saw::Nothing, "exit code 0", "1", true);
        let after = Control {
            is_steady: false,
            ..control(Saw::Nothing, "exit code 0", "2", true)
        };
        let (outcome, notes) = compare(&[(&before, &after)], 0, &[]);
        assert!(matches!(outcome, Outcome::NotRun(_)));
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn near_the_flaw_and_in_the_words_of_a_refusal_a_difference_is_only_told() {
        let of = |role: Role, end: &str, err: &str| Control {
            role,
            behaviour: Behaviour::new(end.into(), "", err),
            ..control(Saw::Nothing, "", "", true)
        };
        let judged = |role: Role, one: (&str, &str), other: (&str, &str)| {
            let (before, after) = (of(role, one.0, one.1), of(role, other.0, other.1));
            compare(&[(&before, &after)], 1, &[])
        };
        let (done, refused) = (("exit code 0", ""), ("exit code 1", "too short"));
        let reworded = ("exit code 1", "too long");
        for (role, other) in [
            (Role::Near, done),
            (Role::Near, reworded),
            (Role::Gentle, reworded),
        ] {
            let (outcome, notes) = judged(role, other, refused);
            assert_eq!((outcome, notes.len()), (Outcome::Passed, 2));
        }
        for (role, other) in [
            (Role::Gentle, done),
            (Role::Sample, done),
            (Role::Declared, reworded),
        ] {
            assert!(matches!(
                judged(role, other, refused).0,
                Outcome::Differs(_)
            ));
        }
    }
}
