//! What servers of both formats say, and what each answer amounts to.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "it is a test")]

mod common;

use std::time::Duration;

use backstitch_engine::Outcome;
use backstitch_engine::engine::Usage;
use backstitch_engine::outcome::Unavailable;
use common::{
    Act, FORMATS, Format, KEY, MODEL, PROPOSAL, Server, answer, ask, done, json, response, stream,
    stream_head,
};

fn outcome(format: Format, response: Vec<u8>) -> Outcome {
    ask(format, &Server::saying(response)).outcome
}

fn unavailable(outcome: &Outcome) -> Option<Unavailable> {
    match outcome {
        Outcome::Unavailable(why) => Some(why.kind),
        _ => None,
    }
}

fn category(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused(refusal) => &refusal.category,
        other => panic!("it is no refusal: {other:?}"),
    }
}

#[test]
fn a_stream_brings_a_proposal_and_says_what_it_used() {
    for format in FORMATS {
        let server = Server::saying(stream(&answer(format, MODEL, PROPOSAL, done(format))));
        let answer = ask(format, &server);
        let Outcome::Proposed(proposal) = &answer.outcome else {
            panic!("{:?}", answer.outcome)
        };
        assert_eq!(proposal.edits[0].replace, "<");
        let told = Usage::Told {
            tokens_in: 100,
            tokens_out: 20,
        };
        assert_eq!(answer.usage, told, "{format:?}");
        let request = server.requests.lock().unwrap()[0].clone();
        let key = match format {
            Format::OpenAi => format!("authorization: Bearer {KEY}"),
            Format::Anthropic => format!("x-api-key: {KEY}"),
        };
        assert!(request.contains(&key), "{request}");
        assert!(request.contains("an index goes one too far"));
        assert!(!request.contains("tool"), "no tools are offered");
    }
}

#[test]
fn an_answer_may_come_byte_by_byte_or_whole() {
    for format in FORMATS {
        let body = answer(format, MODEL, PROPOSAL, done(format));
        let bytes = body.bytes().map(|byte| vec![byte]);
        let pieces = std::iter::once(stream_head()).chain(bytes).collect();
        let server = Server::new(vec![Act::Say(pieces, Duration::ZERO)]);
        assert!(matches!(ask(format, &server).outcome, Outcome::Proposed(_)));
    }
    let text = serde_json::to_string(PROPOSAL).unwrap();
    let whole = [
        (
            Format::OpenAi,
            format!(
                r#"{{"model":"large-4","choices":[{{"message":{{"content":{text}}},"finish_reason":"stop"}}]}}"#
            ),
        ),
        (
            Format::Anthropic,
            format!(
                r#"{{"model":"large-4","content":[{{"type":"thinking","thinking":"x"}},{{"type":"text","text":{text}}}],"stop_reason":"end_turn"}}"#
            ),
        ),
    ];
    for (format, body) in whole {
        let outcome = outcome(format, json("200 OK", &body));
        assert!(matches!(outcome, Outcome::Proposed(_)), "{outcome:?}");
    }
}

#[test]
fn a_stream_that_has_ended_needs_no_closed_connection() {
    for format in FORMATS {
        let body = stream(&answer(format, MODEL, PROPOSAL, done(format)));
        let server = Server::new(vec![Act::Hang(body)]);
        assert!(matches!(ask(format, &server).outcome, Outcome::Proposed(_)));
    }
}

#[test]
fn a_refusal_in_an_answer_with_status_200_is_one() {
    let refused = |format, body: &str| {
        let outcome = outcome(format, stream(body));
        category(&outcome).to_owned()
    };
    // The reason to stop says it, with nothing before it.
    let body = answer(Format::Anthropic, MODEL, "", "refusal");
    assert_eq!(refused(Format::Anthropic, &body), "refusal");
    // The same in the middle of an answer that had begun well.
    let body = answer(Format::Anthropic, MODEL, PROPOSAL, "refusal");
    assert_eq!(refused(Format::Anthropic, &body), "refusal");
    // The newer form names a field of policy.
    let body = body.replace(
        r#""stop_reason":"refusal""#,
        r#""stop_reason":"refusal","stop_details":{"type":"refusal","category":"cyber","explanation":"it is about an attack"}"#,
    );
    assert_eq!(refused(Format::Anthropic, &body), "cyber");
    let body = answer(Format::OpenAi, MODEL, "", "content_filter");
    assert_eq!(refused(Format::OpenAi, &body), "content_filter");
    // A field of its own holds it, and the reason to stop is the usual one.
    let body = answer(Format::OpenAi, MODEL, "", "stop").replace(
        r#""delta":{"content":"""#,
        r#""delta":{"refusal":"I will not.","content":"""#,
    );
    assert_eq!(refused(Format::OpenAi, &body), "refusal");
    // What gateways hand on of other providers.
    let body = answer(Format::OpenAi, MODEL, "", "SAFETY");
    assert_eq!(refused(Format::OpenAi, &body), "safety");
    // Whole answers.
    let body = r#"{"model":"large-4","content":[],"stop_reason":"refusal"}"#;
    let whole = outcome(Format::Anthropic, json("200 OK", body));
    assert_eq!(category(&whole), "refusal");
    let body = r#"{"model":"large-4","choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#;
    let whole = outcome(Format::OpenAi, json("200 OK", body));
    assert_eq!(category(&whole), "refusal");
    assert!(whole.to_string().contains("No."), "{whole}");
}

#[test]
fn an_error_of_policy_is_a_refusal_whatever_its_status() {
    for (format, status, body, wanted) in [
        (
            Format::OpenAi,
            "400 Bad Request",
            r#"{"error":{"message":"filtered","type":null,"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
            "content_filter",
        ),
        (
            Format::OpenAi,
            "400 Bad Request",
            r#"{"error":{"message":"flagged","type":"invalid_request_error","code":"cyber_policy"}}"#,
            "cyber_policy",
        ),
        (
            Format::OpenAi,
            "403 Forbidden",
            r#"{"error":{"message":"flagged","code":403,"metadata":{"reasons":["violence"]}}}"#,
            "moderation",
        ),
        (
            Format::OpenAi,
            "451 Unavailable For Legal Reasons",
            "{}",
            "legal",
        ),
        (
            Format::Anthropic,
            "451 Unavailable For Legal Reasons",
            "not here",
            "legal",
        ),
        (
            Format::OpenAi,
            "200 OK",
            r#"{"error":{"message":"flagged","code":"content_policy_violation"}}"#,
            "content_policy",
        ),
    ] {
        let outcome = outcome(format, json(status, body));
        assert_eq!(category(&outcome), wanted, "{body}");
    }
    let body = "data: {\"error\":{\"message\":\"flagged\",\"code\":\"cyber_policy\"}}\n\n";
    assert_eq!(
        category(&outcome(Format::OpenAi, stream(body))),
        "cyber_policy"
    );
}

#[test]
fn words_that_read_like_a_refusal_are_told_as_that() {
    for format in FORMATS {
        let text = "I'm sorry, but I can't assist with that request.";
        let outcome = outcome(format, stream(&answer(format, MODEL, text, done(format))));
        let Outcome::SuspectedRefusal { provider, said } = &outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(provider, "one");
        assert!(said.starts_with("I'm sorry"));
    }
}

#[test]
fn another_model_s_answer_is_not_taken() {
    for format in FORMATS {
        let body = answer(format, "small-1", PROPOSAL, done(format));
        let wanted = Outcome::Rerouted {
            asked: MODEL.into(),
            served: "small-1".into(),
        };
        assert_eq!(outcome(format, stream(&body)), wanted);
        let dated = answer(format, "large-4-20300101", PROPOSAL, done(format));
        let outcome = outcome(format, stream(&dated));
        assert!(matches!(outcome, Outcome::Proposed(_)), "{outcome:?}");
    }
    // One that changes on the way.
    let body = answer(Format::OpenAi, MODEL, PROPOSAL, "stop");
    let body = body.replacen(MODEL, "large-4-mini", 1);
    assert!(matches!(
        outcome(Format::OpenAi, stream(&body)),
        Outcome::Rerouted { .. }
    ));
}

#[test]
fn every_status_has_an_outcome_of_its_own() {
    for format in FORMATS {
        for (status, wanted) in [
            ("301 Moved Permanently", Unavailable::Moved),
            ("400 Bad Request", Unavailable::RequestNotTaken),
            ("401 Unauthorized", Unavailable::WrongKey),
            ("402 Payment Required", Unavailable::NoCredit),
            ("403 Forbidden", Unavailable::Forbidden),
            ("404 Not Found", Unavailable::NotFound),
            ("410 Gone", Unavailable::Gone),
            ("413 Content Too Large", Unavailable::TooLarge),
            ("500 Internal Server Error", Unavailable::ServerError),
            ("529 Overloaded", Unavailable::ServerError),
        ] {
            let body = r#"{"type":"error","error":{"type":"x","message":"in its own words"}}"#;
            let outcome = outcome(format, json(status, body));
            assert_eq!(unavailable(&outcome), Some(wanted), "{status}");
            assert!(outcome.to_string().contains("in its own words"));
        }
        // A server that fails in a page of its own.
        let page = response("502 Bad Gateway", "text/html", "<html>no</html>");
        assert_eq!(
            unavailable(&outcome(format, page)),
            Some(Unavailable::ServerError)
        );
    }
}

#[test]
fn a_server_that_is_asked_too_often_says_for_how_long() {
    for format in FORMATS {
        let limited = |header: &str| {
            let head =
                format!("HTTP/1.1 429 Too Many Requests\r\n{header}content-length: 0\r\n\r\n");
            outcome(format, head.into_bytes())
        };
        let wait = |wait| Outcome::RateLimited { wait };
        assert_eq!(limited(""), wait(None));
        assert_eq!(
            limited("retry-after: 7\r\n"),
            wait(Some(Duration::from_secs(7)))
        );
        // A date would need the right time of day; too long a time is a day.
        assert_eq!(
            limited("retry-after: Wed, 21 Oct 2065 07:28:00 GMT\r\n"),
            wait(None)
        );
        let long = limited("retry-after: 99999999\r\n");
        assert_eq!(long, wait(Some(Duration::from_secs(86_400))));
    }
    let quota =
        r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let outcome = outcome(Format::OpenAi, json("429 Too Many Requests", quota));
    assert_eq!(unavailable(&outcome), Some(Unavailable::NoCredit));
}

#[test]
fn errors_in_the_middle_of_a_stream_are_told() {
    let body = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    let told = outcome(Format::Anthropic, stream(body));
    assert_eq!(unavailable(&told), Some(Unavailable::ServerError));
    let body = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}\n\n";
    let told = outcome(Format::Anthropic, stream(body));
    assert_eq!(told, Outcome::RateLimited { wait: None });
}

#[test]
fn an_answer_without_a_change_and_one_that_was_cut_are_told_apart() {
    for format in FORMATS {
        let none = r#"{"edits":[],"what_was_wrong":"","why_this_fixes_it":"nothing is wrong here","regression_test":null}"#;
        let told = outcome(format, stream(&answer(format, MODEL, none, done(format))));
        assert_eq!(told, Outcome::NoChange("nothing is wrong here".into()));
        let full = match format {
            Format::OpenAi => "length",
            Format::Anthropic => "max_tokens",
        };
        let cut = outcome(format, stream(&answer(format, MODEL, PROPOSAL, full)));
        let Outcome::Malformed(why) = &cut else {
            panic!("{cut:?}")
        };
        assert!(why.contains("tokens_out_max"), "{why}");
        let empty = outcome(format, stream(&answer(format, MODEL, "", done(format))));
        assert!(matches!(&empty, Outcome::Malformed(why) if why.contains("empty")));
    }
}

#[test]
fn a_key_that_a_server_repeats_is_not_told() {
    let body = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}."}}}}"#);
    for format in FORMATS {
        let outcome = outcome(format, json("401 Unauthorized", &body));
        assert!(outcome.to_string().contains("[redacted:key]"), "{outcome}");
    }
}
