//! Engines one after another: refusals, losses, rests, budgets, recordings.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "it is a test")]

mod common;

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstitch_engine::budget::{Limits, Money};
use backstitch_engine::chain::{Asked, Clock, Steady};
use backstitch_engine::command;
use backstitch_engine::outcome::Unavailable;
use backstitch_engine::record::{Player, Recorder, Tape};
use backstitch_engine::wire::{Failure, Reply, Request, Wire};
use backstitch_engine::{Budget, Chain, Engine, Outcome, Redactor};
use backstitch_model::FindingId;
use common::{
    Act, FORMATS, Format, KEY, MODEL, PROPOSAL, Server, answer, brief, client, done, engine,
    engine_over, json, patience, safe_brief, stream, terms,
};

fn chain(engines: Vec<Arc<dyn Engine>>) -> Chain {
    Chain::new(engines, Arc::new(Steady::default()))
}

fn unlimited() -> Budget {
    Budget::new(Limits::default(), Limits::default())
}

fn ask(chain: &mut Chain, finding: &str, budget: &mut Budget) -> Asked {
    let finding = FindingId(finding.into());
    chain.ask(&finding, &brief(), &Redactor::default(), budget)
}

fn words(asked: &Asked) -> Vec<(&str, &str)> {
    let turns = asked.turns.iter();
    turns
        .map(|turn| (turn.engine.as_str(), turn.outcome.word()))
        .collect()
}

fn good(format: Format) -> Vec<u8> {
    stream(&answer(format, MODEL, PROPOSAL, done(format)))
}

fn say(response: Vec<u8>) -> Act {
    Act::Say(vec![response], Duration::ZERO)
}

#[test]
fn a_refusal_is_told_once_and_the_next_engine_gets_the_same_brief() {
    let refusing = Server::saying(stream(&answer(Format::Anthropic, MODEL, "", "refusal")));
    let willing = Server::saying(good(Format::OpenAi));
    let mut chain = chain(vec![
        engine(Format::Anthropic, "first", &refusing.url),
        engine(Format::OpenAi, "second", &willing.url),
    ]);
    let mut budget = unlimited();
    let asked = ask(&mut chain, "a", &mut budget);
    assert_eq!(
        words(&asked),
        [("first", "refused"), ("second", "proposed")]
    );
    assert_eq!(asked.proposed.unwrap().0, "second");
    // The same finding again: the one that refused is not asked, with these words or others.
    let again = ask(&mut chain, "a", &mut budget);
    assert_eq!(words(&again), [("second", "proposed")]);
    assert_eq!(refusing.asked(), 1);
    // Another finding is another question.
    let other = ask(&mut chain, "b", &mut budget);
    assert_eq!(
        words(&other),
        [("first", "refused"), ("second", "proposed")]
    );
    let prompt = safe_brief().prompt().user.clone();
    let prompt = serde_json::to_string(&prompt).unwrap();
    for request in [&refusing, &willing].map(|server| server.requests.lock().unwrap()[0].clone()) {
        assert!(request.contains(&prompt), "both got the brief as it is");
    }
}

#[test]
fn a_run_that_loses_its_first_engine_midway_goes_on() {
    let key = json("401 Unauthorized", "{}");
    let first = Server::new(vec![say(good(Format::OpenAi)), say(key)]);
    let second = Server::saying(good(Format::Anthropic));
    let mut chain = chain(vec![
        engine(Format::OpenAi, "first", &first.url),
        engine(Format::Anthropic, "second", &second.url),
    ]);
    let mut budget = unlimited();
    assert_eq!(
        words(&ask(&mut chain, "a", &mut budget)),
        [("first", "proposed")]
    );
    let lost = ask(&mut chain, "b", &mut budget);
    assert_eq!(
        words(&lost),
        [("first", "unavailable"), ("second", "proposed")]
    );
    assert!(lost.turns[0].is_lost);
    assert_eq!(
        words(&ask(&mut chain, "c", &mut budget)),
        [("second", "proposed")]
    );
    assert_eq!(first.asked(), 2);
}

#[test]
fn one_that_fails_for_a_passing_reason_gets_a_second_chance_and_no_third() {
    let busy = json("503 Service Unavailable", "{}");
    let server = Server::saying(busy);
    let mut chain = chain(vec![engine(Format::OpenAi, "only", &server.url)]);
    let mut budget = unlimited();
    let finding = FindingId("a".into());
    assert!(!ask(&mut chain, "a", &mut budget).turns[0].is_lost);
    assert!(chain.has_more_for(&finding));
    assert!(ask(&mut chain, "a", &mut budget).turns[0].is_lost);
    assert!(!chain.has_more_for(&finding));
    assert_eq!(ask(&mut chain, "b", &mut budget), Asked::default());
    assert_eq!(server.asked(), 2);
}

/// A clock that a test moves.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn one_that_is_asked_too_often_rests_and_nobody_waits_for_it() {
    let limited = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n";
    let first = Server::new(vec![say(limited.to_vec()), say(good(Format::OpenAi))]);
    let second = Server::saying(good(Format::Anthropic));
    let clock = Arc::new(Hand::default());
    let engines = vec![
        engine(Format::OpenAi, "first", &first.url),
        engine(Format::Anthropic, "second", &second.url),
    ];
    let mut chain = Chain::new(engines, Arc::clone(&clock) as Arc<dyn Clock>);
    let mut budget = unlimited();
    let asked = ask(&mut chain, "a", &mut budget);
    assert_eq!(
        words(&asked),
        [("first", "rate limited"), ("second", "proposed")]
    );
    assert_eq!(
        words(&ask(&mut chain, "a", &mut budget)),
        [("second", "proposed")]
    );
    clock.0.store(31, Ordering::SeqCst);
    assert_eq!(
        words(&ask(&mut chain, "a", &mut budget)),
        [("first", "proposed")]
    );
}

#[test]
fn a_budget_stops_before_a_call_that_could_pass_it_and_keeps_what_there_is() {
    let server = Server::saying(good(Format::OpenAi));
    let worst = terms().worst(&safe_brief());
    // Settled, a call costs 100 tokens in and 20 out.
    let real = terms().price.of(100, 20);
    assert!(real < worst.money);
    let limits = Limits {
        money_max: Some(Money(worst.money.0 + real.0)),
        ..Limits::default()
    };
    let mut budget = Budget::new(limits, Limits::default());
    let mut chain = chain(vec![engine(Format::OpenAi, "only", &server.url)]);
    assert!(ask(&mut chain, "a", &mut budget).proposed.is_some());
    assert_eq!(budget.used().money, real);
    assert!(ask(&mut chain, "b", &mut budget).proposed.is_some());
    // A third might cost more than is left, though it would not.
    let third = ask(&mut chain, "c", &mut budget);
    assert_eq!(words(&third), [("only", "over budget")]);
    assert!(
        third.turns[0]
            .outcome
            .to_string()
            .contains("money for this run")
    );
    assert_eq!(server.asked(), 2);
    assert_eq!(budget.used().money, Money(2 * real.0));
}

#[test]
fn an_answer_that_does_not_say_what_it_used_counts_as_the_worst() {
    let body = answer(Format::OpenAi, MODEL, PROPOSAL, "stop");
    let silent: String = body
        .split_inclusive("\n\n")
        .filter(|event| !event.contains("usage"))
        .collect();
    let server = Server::saying(stream(&silent));
    let mut chain = chain(vec![engine(Format::OpenAi, "only", &server.url)]);
    let mut budget = unlimited();
    assert!(ask(&mut chain, "a", &mut budget).proposed.is_some());
    assert_eq!(budget.used().tokens, terms().worst(&safe_brief()).tokens);
}

#[test]
fn attempts_are_bounded_for_each_finding() {
    let server = Server::saying(stream(&answer(Format::OpenAi, MODEL, "nonsense", "stop")));
    let mut chain = chain(vec![engine(Format::OpenAi, "only", &server.url)]);
    let limits = Limits {
        attempts_max: Some(2),
        ..Limits::default()
    };
    let mut budget = Budget::new(Limits::default(), limits);
    for wanted in ["malformed", "malformed", "over budget"] {
        assert_eq!(
            words(&ask(&mut chain, "a", &mut budget)),
            [("only", wanted)]
        );
    }
    assert_eq!(
        words(&ask(&mut chain, "b", &mut budget)),
        [("only", "malformed")]
    );
}

/// Bytes that two owners hold.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_was_recorded_plays_back_byte_for_byte_without_a_server() {
    for format in FORMATS {
        let mut acts: Vec<Act> = [
            good(format),
            stream(&answer(format, MODEL, "", "refusal")),
            stream(&answer(format, "small-1", PROPOSAL, done(format))),
            json(
                "401 Unauthorized",
                &format!("{{\"error\":{{\"message\":\"{KEY} is wrong\"}}}}"),
            ),
            [common::stream_head(), b"data: \xff\n\n".to_vec()].concat(),
            stream("data: {\"choices\":[]}\n\n"),
            b"HTTP/1.1 429 Too Many\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n".to_vec(),
            b"nonsense".to_vec(),
        ]
        .map(say)
        .into();
        acts.push(Act::Hang(stream(&answer(
            format,
            MODEL,
            PROPOSAL,
            done(format),
        ))));
        let count = acts.len();
        let server = Server::new(acts);
        let shared = Shared::default();
        let tape = Tape::new(Box::new(shared.clone()));
        let wire = Recorder::new(client(&server.url, &patience()), Arc::clone(&tape));
        let live = engine_over(format, "one", &server.url, Arc::new(wire));
        let within = Duration::from_secs(10);
        let answers: Vec<_> = (0..count)
            .map(|_| live.propose(&safe_brief(), within))
            .collect();
        assert_eq!(tape.trouble(), None);
        let recording = shared.text();
        assert_eq!(recording.lines().count(), count);
        assert!(!recording.contains(KEY), "{recording}");

        // Played, and recorded once more on the way.
        let copy = Shared::default();
        let player = Arc::new(Player::read(&recording).unwrap());
        let wire = Recorder::new(player, Tape::new(Box::new(copy.clone())));
        let again = engine_over(format, "one", &server.url, Arc::new(wire));
        for answer in answers {
            assert_eq!(again.propose(&safe_brief(), within), answer);
        }
        assert_eq!(copy.text(), recording);
        assert_eq!(server.asked(), count);
        // Nothing is left, and nothing is made up.
        let outcome = again.propose(&safe_brief(), within).outcome;
        let Outcome::Unavailable(why) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(why.kind, Unavailable::NotRecorded);
    }
}

#[test]
fn a_recording_answers_only_what_was_asked_then() {
    let server = Server::saying(good(Format::OpenAi));
    let shared = Shared::default();
    let wire = Recorder::new(
        client(&server.url, &patience()),
        Tape::new(Box::new(shared.clone())),
    );
    let live = engine_over(Format::OpenAi, "one", &server.url, Arc::new(wire));
    live.propose(&safe_brief(), Duration::from_secs(10));
    let player = Arc::new(Player::read(&shared.text()).unwrap());
    let again = engine_over(Format::OpenAi, "one", &server.url, player);
    let mut other = brief();
    other.finding.what = "something else".into();
    let other = other.made_safe(&Redactor::default(), 20_000);
    let outcome = again.propose(&other, Duration::from_secs(10)).outcome;
    assert!(outcome.to_string().contains("asked otherwise"), "{outcome}");
    for bad in [
        "nonsense",
        "{}",
        &shared.text().replace("\"format\":1", "\"format\":9"),
    ] {
        let error = Player::read(bad).unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }
}

/// A program that answers so.
#[derive(Debug)]
struct Mine(Result<Vec<u8>, Failure>);

impl Wire for Mine {
    fn send(
        &self,
        request: &Request,
        _within: Duration,
        _enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        assert_eq!(request.url, "command:mine");
        assert_eq!(request.body, safe_brief().json());
        let body = self.0.clone()?;
        Ok(Reply {
            status: 200,
            retry_after_s: None,
            body,
            broke_off: None,
        })
    }
}

#[test]
fn a_program_s_output_is_data_like_a_model_s() {
    for (said, wanted) in [
        (Ok(PROPOSAL.into()), "proposed"),
        (
            Ok(br#"{"refused":"not mine","said":"no"}"#.to_vec()),
            "refused",
        ),
        (Ok(br#"{"edits":[]}"#.to_vec()), "no change"),
        (Ok(b"I cannot help with that".to_vec()), "refused, it seems"),
        (Ok(Vec::new()), "malformed"),
        (Ok(vec![0xff]), "malformed"),
        (
            Err(Failure::new(Unavailable::Program, "ended with code 3")),
            "unavailable",
        ),
    ] {
        let program = command::Program::new("mine".into(), terms(), Arc::new(Mine(said)));
        let outcome = program
            .propose(&safe_brief(), Duration::from_secs(1))
            .outcome;
        assert_eq!(outcome.word(), wanted, "{outcome}");
    }
}
