//! Every verdict there is: a table over all evidence that matters, and properties over
//! evidence at random. The expectations are written anew here, from the words of
//! `verdict.rs`, and share no code with it.

use backstitch_model::check::{Check, CheckRun, Outcome};
use backstitch_model::evidence::{Claim, Confinement, Evidence, Phase};
use backstitch_model::verdict::Conclusion;
use proptest::prelude::*;

fn outcomes() -> [Outcome; 4] {
    [
        Outcome::Passed,
        Outcome::Failed("red".into()),
        Outcome::TimedOut,
        Outcome::NotRun("why".into()),
    ]
}

fn phase(outcomes: &[(Check, Outcome)]) -> Phase {
    outcomes
        .iter()
        .map(|(check, outcome)| CheckRun::instant(*check, outcome.clone()))
        .collect()
}

fn evidence(before: &[(Check, Outcome)], after: &[(Check, Outcome)]) -> Evidence {
    Evidence {
        before: phase(before),
        after: phase(after),
        claim: Claim::Fix,
        confinement: Confinement::Sandboxed,
    }
}

/// How much a conclusion claims.
fn strength(conclusion: &Conclusion) -> u8 {
    match conclusion {
        Conclusion::Rejected(..) | Conclusion::Inconclusive(_) => 0,
        Conclusion::Resolved | Conclusion::Clean => 1,
        Conclusion::Tested => 2,
        Conclusion::ProvenDiffers(_) => 3,
        Conclusion::Proven => 4,
    }
}

fn red(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(_))
}

fn green(outcome: &Outcome) -> bool {
    *outcome == Outcome::Passed
}

/// The name of the conclusion that the words ask for.
fn expected(evidence: &Evidence) -> &'static str {
    let before = |check| evidence.before.outcome(check);
    let after = |check| evidence.after.outcome(check);
    let broken = |outcome: &Outcome| red(outcome) || *outcome == Outcome::TimedOut;
    if broken(before(Check::Build)) {
        return "Inconclusive";
    }
    if Check::LADDER.into_iter().any(|check| broken(after(check))) {
        return "Rejected";
    }
    let built = green(before(Check::Build)) && green(after(Check::Build));
    let tested = green(before(Check::Regress)) && green(after(Check::Regress));
    let reproduced = red(before(Check::Reproduce)) && green(after(Check::Reproduce));
    let scanned = red(before(Check::Rescan)) && green(after(Check::Rescan));
    let shown = if red(before(Check::Rescan)) {
        scanned
    } else {
        reproduced
    };
    let differs = matches!(after(Check::Compare), Outcome::Differs(_));
    match (evidence.claim, built && tested) {
        _ if !green(after(Check::Scope)) => "Inconclusive",
        (Claim::Nothing, true) => "Clean",
        (Claim::Nothing, false) => "Inconclusive",
        (Claim::Fix, _) if !shown => "Inconclusive",
        (Claim::Fix, false) => "Resolved",
        (Claim::Fix, true) if !reproduced => "Tested",
        (Claim::Fix, true) if differs => "Proven, behaviour differs here",
        (Claim::Fix, true) => "Proven",
    }
}

/// Every way in which the given rungs can end.
fn combinations(rungs: &[Check]) -> impl Iterator<Item = Vec<(Check, Outcome)>> {
    let outcomes = outcomes();
    (0..rungs.iter().map(|_| 4).product::<usize>()).map(move |mut number| {
        let pair = |check: &Check| {
            let outcome = outcomes[number % 4].clone();
            number /= 4;
            (*check, outcome)
        };
        rungs.iter().map(pair).collect()
    })
}

#[test]
fn the_whole_table_says_what_the_words_say() {
    use Check::{Build, Compare, ReAttack, Regress, Reproduce, Rescan, Scope};
    // The last two rungs can only reject or tell of a difference: one row of each kind is enough.
    let last = [
        (Outcome::Passed, outcomes()[3].clone(), Claim::Fix),
        (outcomes()[1].clone(), Outcome::Passed, Claim::Fix),
        (
            outcomes()[3].clone(),
            Outcome::Differs("how".into()),
            Claim::Fix,
        ),
        (
            Outcome::Passed,
            Outcome::Differs("how".into()),
            Claim::Nothing,
        ),
    ];
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for before in combinations(&[Build, Reproduce, Regress, Rescan]) {
        for mut after in combinations(&[Scope, Build, Reproduce, Regress, Rescan]) {
            for (re_attack, compare, claim) in &last {
                after.truncate(5);
                after.extend([(ReAttack, re_attack.clone()), (Compare, compare.clone())]);
                let evidence = Evidence {
                    claim: *claim,
                    ..evidence(&before, &after)
                };
                let conclusion = evidence.verdict().conclusion;
                assert_eq!(conclusion.name(), expected(&evidence), "{evidence:?}");
                *seen.entry(conclusion.name()).or_default() += 1;
            }
        }
    }
    assert_eq!(seen.values().sum::<u32>(), 4 * 4_u32.pow(9));
    let names: Vec<_> = seen.keys().copied().collect();
    assert_eq!(
        names,
        [
            "Clean",
            "Inconclusive",
            "Proven",
            "Proven, behaviour differs here",
            "Rejected",
            "Resolved",
            "Tested"
        ]
    );
}

#[test]
fn a_rung_that_nobody_reached_was_not_run() {
    assert_eq!(
        evidence(&[], &[]).verdict().conclusion.name(),
        "Inconclusive"
    );
}

#[test]
fn a_reproducer_that_was_not_red_before_proves_nothing() {
    let passed = |check| (check, Outcome::Passed);
    let red_before = (Check::Rescan, Outcome::Failed("flagged".into()));
    let before = [
        passed(Check::Build),
        passed(Check::Regress),
        passed(Check::Reproduce),
        red_before,
    ];
    let after = Check::LADDER.map(passed);
    assert_eq!(
        evidence(&before, &after).verdict().conclusion,
        Conclusion::Tested
    );
}

#[test]
fn what_only_a_reproducer_shows_needs_no_scan_but_a_scan_that_flags_something_new_rejects() {
    let before = [
        (Check::Build, Outcome::Passed),
        (Check::Regress, Outcome::Passed),
        (Check::Reproduce, Outcome::Failed("it crashes".into())),
    ];
    let mut after = Check::LADDER.map(|check| (check, Outcome::Passed));
    let conclusion = |after: &[(Check, Outcome)]| evidence(&before, after).verdict().conclusion;
    after[4].1 = Outcome::NotRun("nothing here is locked".into());
    assert_eq!(conclusion(&after), Conclusion::Proven);
    after[4].1 = Outcome::Failed("a new one".into());
    assert!(matches!(
        conclusion(&after),
        Conclusion::Rejected(Check::Rescan, _)
    ));
    after[4].1 = Outcome::Passed;
    after[2].1 = Outcome::NotRun("it hangs".into());
    assert!(matches!(conclusion(&after), Conclusion::Inconclusive(_)));
}

#[test]
fn a_verdict_without_a_sandbox_says_so() {
    let mut evidence = evidence(&[], &[]);
    evidence.confinement = Confinement::Unconfined;
    assert!(evidence.verdict().to_string().contains("without a sandbox"));
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Passed),
        2 => Just(Outcome::Failed("red".into())),
        1 => Just(Outcome::TimedOut),
        2 => Just(Outcome::NotRun("why".into())),
        1 => Just(Outcome::Differs("how".into())),
    ]
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let phase = || proptest::collection::vec(any_outcome(), 7);
    (phase(), phase(), any::<bool>(), any::<bool>()).prop_map(|(before, after, sandboxed, fix)| {
        let pairs =
            |outcomes: Vec<Outcome>| Check::LADDER.into_iter().zip(outcomes).collect::<Vec<_>>();
        Evidence {
            before: self::phase(&pairs(before)),
            after: self::phase(&pairs(after)),
            claim: if fix { Claim::Fix } else { Claim::Nothing },
            confinement: if sandboxed {
                Confinement::Sandboxed
            } else {
                Confinement::Unconfined
            },
        }
    })
}

proptest! {
    #[test]
    fn no_evidence_with_a_needed_rung_missing_yields_more_than_it_should(evidence in any_evidence()) {
        let after = |check| green(evidence.after.outcome(check));
        let before = |check| green(evidence.before.outcome(check));
        let claim = strength(&evidence.verdict().conclusion);
        let turned = |check| red(evidence.before.outcome(check)) && after(check);
        if claim >= 1 {
            prop_assert!(after(Check::Scope));
            prop_assert!(evidence.claim == Claim::Nothing || turned(Check::Rescan) || turned(Check::Reproduce));
            prop_assert!(evidence.claim == Claim::Nothing
                || !red(evidence.before.outcome(Check::Rescan)) || after(Check::Rescan));
        }
        if claim >= 2 {
            prop_assert!(before(Check::Build) && after(Check::Build));
            prop_assert!(before(Check::Regress) && after(Check::Regress));
        }
        if claim >= 3 {
            prop_assert!(turned(Check::Reproduce));
            prop_assert!(evidence.claim == Claim::Fix);
        }
    }

    #[test]
    fn taking_a_rung_away_never_makes_the_claim_stronger_unless_the_rung_was_red(
        evidence in any_evidence(),
        rung in 0_usize..7,
        of_before in any::<bool>(),
    ) {
        let check = Check::LADDER[rung];
        let mut weaker = evidence.clone();
        let phase = if of_before { &mut weaker.before } else { &mut weaker.after };
        prop_assume!(green(phase.outcome(check)));
        phase.insert(CheckRun::instant(check, Outcome::NotRun("taken away".into())));
        let claim = |evidence: &Evidence| strength(&evidence.verdict().conclusion);
        prop_assert!(claim(&weaker) <= claim(&evidence));
    }
}

#[test]
fn a_doubt_goes_to_a_human_and_is_told_with_a_proof() {
    use Check::{Build, Regress, Reproduce, Rescan, Scope};
    let passed = |check| (check, Outcome::Passed);
    let red = |check| (check, Outcome::Failed("red".into()));
    let doubt = |check| (check, Outcome::Differs("how".into()));
    let named = |claim, before: &[_], after: &[_]| {
        let evidence = Evidence {
            claim,
            ..evidence(before, after)
        };
        let conclusion = evidence.verdict().conclusion;
        (conclusion.name(), evidence.verdict().to_string())
    };
    let tested = [passed(Build), passed(Regress)];
    let proven = [&tested[..], &[red(Reproduce)]].concat();
    let green = [
        doubt(Scope),
        passed(Build),
        passed(Regress),
        passed(Reproduce),
    ];
    let (name, words) = named(Claim::Fix, &proven, &green);
    assert_eq!(name, "Proven, behaviour differs here");
    assert!(words.ends_with("how"), "{words}");
    let (name, words) = named(Claim::Nothing, &tested, &green[..3]);
    assert_eq!(name, "Inconclusive");
    assert!(words.contains("a human must decide: how"), "{words}");
    let flagged = [&tested[..], &[red(Rescan)]].concat();
    let settled = [&green[..3], &[passed(Rescan)]].concat();
    assert_eq!(named(Claim::Fix, &flagged, &settled).0, "Inconclusive");
    let rewritten = [
        passed(Scope),
        passed(Build),
        passed(Reproduce),
        doubt(Regress),
    ];
    assert_eq!(named(Claim::Fix, &proven, &rewritten).0, "Inconclusive");
    // What failed is still rejected.
    let failed = [&green[..], &[red(Check::ReAttack)]].concat();
    assert_eq!(named(Claim::Fix, &proven, &failed).0, "Rejected");
}

#[test]
fn what_could_not_be_built_or_tested_is_named_with_the_reason() {
    use Check::{Build, Regress, Scope};
    let passed = |check| (check, Outcome::Passed);
    let before = [
        passed(Build),
        (Regress, Outcome::NotRun("it has no tests".into())),
    ];
    let evidence = Evidence {
        claim: Claim::Nothing,
        ..evidence(&before, &[passed(Scope), passed(Build)])
    };
    let words = evidence.verdict().to_string();
    assert!(
        words.contains("the untouched project could not be tested: it has no tests"),
        "{words}"
    );
}
