//! Servers that are broken, hostile, slow or none at all: each has an outcome, and nothing hangs.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "it is a test")]

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use backstitch_engine::Outcome;
use backstitch_engine::egress::{Egress, Plain};
use backstitch_engine::engine::Usage;
use backstitch_engine::outcome::Unavailable;
use backstitch_engine::transport::{Client, Patience};
use common::{
    Act, FORMATS, MODEL, PROPOSAL, Server, answer, ask, ask_with, client, done, engine_over, json,
    patience, response, safe_brief, stream, stream_head,
};

fn unavailable(outcome: &Outcome) -> Unavailable {
    match outcome {
        Outcome::Unavailable(why) => why.kind,
        other => panic!("{other:?}"),
    }
}

fn malformed(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Malformed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_web_page_with_status_200_is_no_answer() {
    for format in FORMATS {
        let page = response(
            "200 OK",
            "text/html",
            "<!doctype html><title>Sign in</title>",
        );
        let outcome = ask(format, &Server::saying(page)).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::NoApi);
        assert!(outcome.to_string().contains("a web page"), "{outcome}");
        let text = response("200 OK", "text/event-stream", "it works!");
        let outcome = ask(format, &Server::saying(text)).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::NoApi);
    }
}

#[test]
fn json_and_text_that_are_none_are_malformed() {
    for format in FORMATS {
        for (bytes, wanted) in [
            (json("200 OK", "{\"choices\": [}"), "no JSON"),
            (json("200 OK", ""), "empty"),
            (stream("data: {\"a\":\n\n"), "no JSON"),
            (stream("data: \u{0}\n\n"), "no JSON"),
            (
                [stream_head(), b"data: \xff\xfe\n\n".to_vec()].concat(),
                "UTF-8",
            ),
            (
                response("200 OK", "application/json", b"{\"a\":\"\xff\"}"),
                "UTF-8",
            ),
            (
                stream(&format!("data: {}\n\n", "[".repeat(100_000))),
                "no JSON",
            ),
        ] {
            let outcome = ask(format, &Server::saying(bytes)).outcome;
            let why = malformed(&outcome);
            assert!(why.contains(wanted), "{why}");
        }
    }
}

#[test]
fn fields_of_other_kinds_than_expected_do_no_harm() {
    for format in FORMATS {
        for body in [
            "{}",
            "{\"choices\": 3, \"model\": [], \"content\": {}, \"usage\": \"x\"}",
            "{\"choices\": [{\"message\": 1, \"finish_reason\": {}}], \"stop_reason\": 4}",
            "{\"type\": \"message_start\", \"message\": null}",
        ] {
            let whole = ask(format, &Server::saying(json("200 OK", body))).outcome;
            assert_eq!(unavailable(&whole), Unavailable::BrokeOff, "{body}");
            let event = stream(&format!("data: {body}\n\n"));
            let streamed = ask(format, &Server::saying(event)).outcome;
            assert_eq!(unavailable(&streamed), Unavailable::BrokeOff, "{body}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_not_taken_for_an_answer() {
    for format in FORMATS {
        let body = answer(format, MODEL, PROPOSAL, done(format));
        let cut = body
            .find("finish_reason")
            .or(body.find("stop_reason"))
            .unwrap();
        let answer = ask(format, &Server::saying(stream(&body[..cut])));
        assert_eq!(unavailable(&answer.outcome), Unavailable::BrokeOff);
        assert_eq!(answer.usage, Usage::Unknown, "a count of half an answer");
        // Fewer bytes than were promised.
        let mut short = json("200 OK", "{\"model\":\"large-4\"   ");
        short.truncate(short.len() - 2);
        let outcome = ask(format, &Server::saying(short)).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::BrokeOff);
        // Nothing at all.
        let outcome = ask(format, &Server::saying(Vec::new())).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::BrokeOff);
    }
}

#[test]
fn an_endless_stream_ends_at_a_bound() {
    for format in FORMATS {
        for piece in [
            format!(
                "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
                "x".repeat(60_000)
            ),
            "x".repeat(60_000),
            ": keep alive\n\n".repeat(4_000),
        ] {
            let endless = Act::Endless(stream_head(), piece.into_bytes());
            let answer = ask(format, &Server::new(vec![endless]));
            let kind = unavailable(&answer.outcome);
            let bounded = kind == Unavailable::TooMuch || kind == Unavailable::NoApi;
            assert!(bounded, "{:?}", answer.outcome);
        }
        let head = Act::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: yes\r\n".to_vec());
        let outcome = ask(format, &Server::new(vec![head])).outcome;
        let kind = unavailable(&outcome);
        assert!(
            matches!(kind, Unavailable::TooMuch | Unavailable::NoApi),
            "{outcome:?}"
        );
    }
}

#[test]
fn silence_at_any_point_ends_by_a_limit() {
    let short = Patience {
        connect: Duration::from_secs(2),
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(300),
    };
    let late = Duration::from_secs(10);
    for format in FORMATS {
        let body = answer(format, MODEL, PROPOSAL, done(format));
        let middle = body.len() / 2;
        for said in [
            Vec::new(),
            b"HTTP/1.1 200 OK\r\ncontent-".to_vec(),
            stream_head(),
            stream(&body[..middle]),
        ] {
            let server = Server::new(vec![Act::Hang(said)]);
            let began = Instant::now();
            let answer = ask_with(format, &server, &short, late);
            assert_eq!(unavailable(&answer.outcome), Unavailable::TimedOut);
            // Nobody knows what was worked out by then.
            assert_ne!(answer.usage, Usage::Nothing);
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }
}

#[test]
fn a_trickle_that_is_never_silent_ends_with_the_call_s_time() {
    for format in FORMATS {
        let drip = vec![b": x\n".to_vec(); 200];
        let pieces = std::iter::once(stream_head()).chain(drip).collect();
        let server = Server::new(vec![Act::Say(pieces, Duration::from_millis(50))]);
        let began = Instant::now();
        let within = Duration::from_millis(800);
        let outcome = ask_with(format, &server, &patience(), within).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn what_does_not_speak_the_protocol_is_told() {
    for format in FORMATS {
        let outcome = ask(format, &Server::saying("SSH-2.0-OpenSSH_9.7\r\n")).outcome;
        assert_eq!(unavailable(&outcome), Unavailable::NoApi, "{outcome}");
        // Nobody is there.
        let url = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        let engine = engine_over(format, "one", &url, client(&url, &patience()));
        let answer = engine.propose(&safe_brief(), Duration::from_secs(5));
        assert_eq!(unavailable(&answer.outcome), Unavailable::Unreachable);
        assert_eq!(answer.usage, Usage::Nothing);
        // Plain HTTP where TLS is expected.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let talker = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&json("400 Bad Request", "{}")).unwrap();
        });
        let engine = engine_over(format, "one", &url, client(&url, &patience()));
        let outcome = engine
            .propose(&safe_brief(), Duration::from_secs(5))
            .outcome;
        assert_eq!(unavailable(&outcome), Unavailable::Tls, "{outcome}");
        talker.join().unwrap();
    }
}

#[test]
fn nothing_is_followed_to_another_address() {
    let elsewhere = Server::saying(json("200 OK", "{}"));
    for format in FORMATS {
        for status in [
            "302 Found",
            "307 Temporary Redirect",
            "308 Permanent Redirect",
        ] {
            let head = format!(
                "HTTP/1.1 {status}\r\nlocation: {}/v1\r\ncontent-length: 0\r\n\r\n",
                elsewhere.url
            );
            let outcome = ask(format, &Server::saying(head)).outcome;
            assert_eq!(unavailable(&outcome), Unavailable::Moved);
        }
    }
    assert_eq!(elsewhere.asked(), 0);
}

#[test]
fn a_client_sends_nothing_to_another_address_than_its_own() {
    let (own, other) = (
        Server::saying(json("200 OK", "{}")),
        Server::saying(json("200 OK", "{}")),
    );
    for format in FORMATS {
        let engine = engine_over(format, "one", &other.url, client(&own.url, &patience()));
        let outcome = engine
            .propose(&safe_brief(), Duration::from_secs(5))
            .outcome;
        assert_eq!(unavailable(&outcome), Unavailable::Egress);
    }
    assert_eq!((own.asked(), other.asked()), (0, 0));
    let none = Client::new(Egress::None, &own.url, Plain::Loopback, &patience());
    assert_eq!(none.unwrap_err().kind, Unavailable::Egress);
}
