//! Holds `docs/json.md` and the program together. The program is run, and what it prints is
//! compared with the page's tables: every field it prints is documented with the type it has,
//! and every documented field is printed.

mod documents;
mod json_page;
#[path = "common/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use json_page::bench::{Bench, write};
use json_page::{Fields, Page, Type, promises};
use serde_json::{Map, Value, json};
use server::{Server, proposal_with};

/// Fields that can hold a value, but never do in the runs below: nothing is refused there, no
/// candidate waits for a decision, and no test's output contradicts itself. An offer is made in a
/// run of its own.
const ALWAYS_EMPTY_HERE: &[&str] = &[
    "tests.gaps",
    "attempt.needs_human",
    "candidate.needs_human",
    "offer.needs_human",
    "offer.engine",
    "offer.rewrites",
    "run.offers",
    // A proposal that is rejected early is not judged without anything, nor is its test tried.
    "proposal.put_back",
    "tried event.put_back",
    "regression test.why",
    "applied event.refused",
];

/// What a scanner reports of the project.
const SCAN: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scanner"}}, "results": [
    {"ruleId": "a-rule", "message": {"text": "it is wrong"}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": "src/lib.rs"}, "region": {"startLine": 3}}}]}]}]}"#;

#[test]
fn what_find_prints_is_what_the_page_says() {
    let bench = Bench::new();
    let findings = bench.json(&["find", "--format", "json"], 1);
    let mut seen = Seen::new(Page::read());
    seen.object("find", &findings);
    seen.must_have_seen(&["find", "finding", "severity"]);
    assert_eq!(
        findings["findings"].as_array().map(Vec::len),
        Some(6),
        "{findings:#}"
    );
}

#[test]
fn what_db_info_prints_is_what_the_page_says() {
    let bench = Bench::new();
    let mut seen = Seen::new(Page::read());
    seen.object(
        "db info",
        &bench.json(&["db", "info", "--format", "json"], 0),
    );
    seen.must_have_seen(&["db info", "ecosystem"]);
}

#[test]
fn what_reproducer_list_prints_is_what_the_page_says() {
    let bench = Bench::new();
    let mut seen = Seen::new(Page::read());
    seen.object(
        "reproducer list",
        &bench.json(&["reproducer", "list", "--format", "json"], 0),
    );
    seen.must_have_seen(&["reproducer list", "reproducer"]);
}

#[test]
fn what_run_and_ledger_show_print_is_what_the_page_says() {
    let bench = Bench::new();
    let _server = list_an_engine(&bench);
    let scan = bench.path("scan.sarif");
    write(&scan, SCAN);
    let scan = scan.to_str().expect("it is UTF-8");
    let rescan = format!("cat '{scan}'");
    let run = [
        &["run", "--offline", "--sandbox", "none", "--format", "json"][..],
        &["--sarif", scan, "--rescan", &rescan],
    ]
    .concat();
    // Debug builds can be told to die after some events, so that the next run goes on from there.
    let killed = bench
        .backstitch(&run)
        .env("BACKSTITCH_TEST_KILL_AFTER_EVENTS", "2")
        .output();
    let killed = killed.expect("the program starts");
    assert_eq!(
        killed.status.code().is_none(),
        cfg!(debug_assertions),
        "{killed:?}"
    );

    let mut seen = Seen::new(Page::read());
    seen.object("run", &bench.json(&run, 1));
    let events = bench.json(&["ledger", "show", "--format", "json"], 0);
    seen.object("ledger show", &events);
    seen.events(&events);
    let mut unseen = vec![
        "find",
        "db info",
        "ecosystem",
        "reproducer list",
        "reproducer",
        "offer",
        "judged event",
        "bench",
        "bench engine",
        "bench row",
        // What other commands print, and the tools of `mcp`.
        "explain",
        "explanation",
        "brief",
        "test",
        "status",
        "job",
        "newest_run",
    ];
    if !cfg!(debug_assertions) {
        unseen.push("run-resumed event");
    }
    let all = seen.page.names();
    let wanted = all
        .iter()
        .map(String::as_str)
        .filter(|name| !unseen.contains(name));
    seen.must_have_seen(&wanted.collect::<Vec<_>>());
}

#[test]
fn what_run_prints_of_an_offer_is_what_the_page_says() {
    let bench = Bench::new();
    write(
        &bench.path("advisories/GHSA-aaaa-aaaa-aaaa.json"),
        r#"{"id": "GHSA-aaaa-aaaa-aaaa", "modified": "2024-01-02T00:00:00Z", "affected": [{
            "package": {"ecosystem": "RubyGems", "name": "rack"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.2.3"}]}]}]}"#,
    );
    let advisories = bench.path("advisories");
    bench.output(
        &["db", "import", advisories.to_str().expect("it is UTF-8")],
        0,
    );
    write(
        &bench.path("ruby/Gemfile.lock"),
        "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.2.0)\n\nDEPENDENCIES\n  rack (= 2.2.0)\n",
    );
    write(&bench.path("ruby/Gemfile"), "gem 'rack', '2.2.0'\n");
    let folder = bench.path("ruby");
    let folder = folder.to_str().expect("it is UTF-8");
    let run = [
        "run",
        "--offline",
        "--sandbox",
        "none",
        "--format",
        "json",
        folder,
    ];
    let mut seen = Seen::new(Page::read());
    seen.object("run", &bench.json(&run, 1));
    seen.must_have_seen(&["offer", "move", "edit"]);
}

#[test]
fn what_explain_prints_is_what_the_page_says() {
    let bench = Bench::new();
    let explain = [
        "explain",
        "RUSTSEC-2021-0093",
        "--offline",
        "--format",
        "json",
    ];
    let mut seen = Seen::new(Page::read());
    seen.object("explain", &bench.json(&explain, 1));
    seen.must_have_seen(&["explain", "finding"]);
}

#[test]
fn what_test_prints_and_leaves_in_the_ledger_is_what_the_page_says() {
    let bench = Bench::new();
    let patch = bench.path("empty.patch");
    write(&patch, "");
    let patch = patch.to_str().expect("it is UTF-8");
    let test = [
        &["test", "--offline", "--sandbox", "none"][..],
        &["--patch", patch, "--format", "json"],
    ];
    let mut seen = Seen::new(Page::read());
    seen.object("test", &bench.json(&test.concat(), 1));
    let events = bench.json(&["ledger", "show", "--format", "json"], 0);
    seen.object("ledger show", &events);
    seen.events(&events);
    seen.must_have_seen(&["judged event"]);
}

#[test]
fn what_bench_prints_is_what_the_page_says() {
    let bench = Bench::new();
    let mut seen = Seen::new(Page::read());
    // Once with an engine whose only proposal is rejected, and so with a verdict.
    let _server = list_an_engine(&bench);
    let arguments = [
        "bench",
        "--case",
        "py-token",
        "--sandbox",
        "none",
        "--format",
        "json",
    ];
    seen.object("bench", &bench.json(&arguments, 0));
    seen.must_have_seen(&["bench", "bench engine", "bench row"]);
}

#[test]
fn the_tools_of_mcp_promise_what_the_page_says() {
    let bench = Bench::new();
    let begin = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "page", "version": "1"}}});
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let mut child = bench
        .backstitch(&["mcp", "--offline"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("it was asked for");
    writeln!(input, "{begin}\n{list}").expect("the program reads");
    drop(input);
    let output = child.wait_with_output().expect("the program ends");
    let told = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let listed = told.lines().last().expect("it answers");
    let listed: Value = serde_json::from_str(listed).expect("it prints JSON");
    let tools = listed["result"]["tools"].as_array().expect("it lists them");
    assert_eq!(tools.len(), 5);
    let page = Page::read();
    for tool in tools {
        let name = match tool["name"].as_str() {
            Some("test_patch") => "test",
            Some(name) => name,
            None => panic!("a tool has no name: {tool}"),
        };
        let schema = &tool["outputSchema"];
        promises(&page, name, schema, &schema["$defs"]);
    }
}

#[test]
fn the_page_names_every_kind_of_event_and_no_other() {
    let source = documents::text("crates/backstitch/src/ledger/event.rs");
    let kinds = source
        .split_once("fn kind(")
        .expect("the function is there")
        .1;
    let mut named: Vec<_> = kinds.split('"').skip(1).step_by(2).collect();
    let page = Page::read();
    let Some(Type::OneOf(words)) = page.fields("event").remove("event") else {
        panic!("the page says no longer which events there are");
    };
    let mut words: Vec<_> = words.iter().map(String::as_str).collect();
    named.sort_unstable();
    words.sort_unstable();
    assert_eq!(named, words);
    for word in words {
        page.fields(&format!("{word} event"));
    }
}

#[test]
fn the_page_s_exit_codes_are_those_of_the_program() {
    let help = Bench::new().output(&["--help"], 0);
    let told = documents::sections(&documents::text("docs/json.md"));
    let rows: Vec<_> = told
        .iter()
        .flat_map(|part| part.rows(&["code", "meaning"]))
        .collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert!(
            help.contains(&format!("  {}  {}\n", row[0], row[1])),
            "{row:?}"
        );
    }
}

/// Compares what is printed with the page, and remembers what was there.
struct Seen {
    page: Page,
    objects: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Seen {
    fn new(page: Page) -> Self {
        Self {
            page,
            objects: BTreeSet::new(),
            values: BTreeSet::new(),
        }
    }

    fn object(&mut self, name: &str, value: &Value) {
        let object = value
            .as_object()
            .unwrap_or_else(|| panic!("{name} is no object: {value}"));
        self.fields(name, &self.page.fields(name), object);
    }

    fn fields(&mut self, name: &str, fields: &Fields, object: &Map<String, Value>) {
        self.objects.insert(name.to_owned());
        let mut printed: Vec<_> = object.keys().collect();
        printed.sort();
        let mut documented: Vec<_> = fields.keys().collect();
        if name == "event" {
            // An event's further fields are compared by its kind.
            documented.retain(|field| object.contains_key(*field));
        } else {
            assert_eq!(
                printed, documented,
                "printed and documented fields of {name}"
            );
        }
        for field in documented {
            self.value(&format!("{name}.{field}"), &fields[field], &object[field]);
        }
    }

    fn value(&mut self, place: &str, wanted: &Type, value: &Value) {
        let fits = match wanted {
            Type::OrNull(_) if value.is_null() => return,
            Type::OrNull(inner) => return self.value(place, inner, value),
            Type::Object(name) => return self.seen_object(place, name, value),
            Type::ArrayOf(inner) => {
                let items = value
                    .as_array()
                    .unwrap_or_else(|| panic!("{place} is no array"));
                return items.iter().for_each(|item| self.value(place, inner, item));
            }
            Type::Anything => true,
            Type::Text => value.is_string(),
            Type::Integer => value.is_u64(),
            Type::Boolean => value.is_boolean(),
            Type::OneOf(words) => value
                .as_str()
                .is_some_and(|word| words.iter().any(|w| w == word)),
        };
        assert!(fits, "{place} is {value}, the page says {wanted:?}");
        self.values.insert(place.to_owned());
    }

    fn seen_object(&mut self, place: &str, name: &str, value: &Value) {
        self.values.insert(place.to_owned());
        // An event is compared as a whole by `events`.
        if name != "event" {
            self.object(name, value);
        }
    }

    /// An event has the fields of every event and those of its kind; the kind's word counts
    /// where both have one of the same name.
    fn events(&mut self, shown: &Value) {
        for event in shown["events"].as_array().expect("events are a list") {
            let object = event.as_object().expect("an event is an object");
            let kind = event["event"].as_str().expect("an event has a kind");
            let kind = format!("{kind} event");
            let own = self.page.fields(&kind);
            let mut general = self.page.fields("event");
            general.retain(|field, _| !own.contains_key(field));
            let all: BTreeSet<_> = general.keys().chain(own.keys()).collect();
            assert_eq!(
                object.keys().collect::<BTreeSet<_>>(),
                all,
                "fields of a {kind}"
            );
            self.fields("event", &general, object);
            let of_kind = object.iter().filter(|(field, _)| own.contains_key(*field));
            let of_kind: Map<_, _> = of_kind
                .map(|(field, v)| (field.clone(), v.clone()))
                .collect();
            self.fields(&kind, &own, &of_kind);
        }
    }

    /// Every one of these objects was there, and every field of theirs had a value at least once.
    fn must_have_seen(&self, names: &[&str]) {
        for name in names {
            assert!(
                self.objects.contains(*name),
                "the page has {name}, and it was never printed"
            );
            for field in self.page.fields(name).keys() {
                let place = format!("{name}.{field}");
                let known = ALWAYS_EMPTY_HERE.contains(&place.as_str());
                let seen = self.values.contains(&place);
                assert!(
                    seen != known,
                    "{place}: had a value: {seen}, expected: {}",
                    !known
                );
            }
        }
    }
}

/// Lists an engine that always proposes the same, and answers as long as it is held.
fn list_an_engine(bench: &Bench) -> Server {
    let test = Some(("tests/agrees.rs", "#[test]\nfn agrees() {}\n"));
    let (search, replace) = ("agrees()", "agrees() | true");
    let server = Server::new(vec![proposal_with("src/lib.rs", search, replace, test)]);
    let settings = format!(
        "[engines]\negress = \"loopback\"\n[[engine]]\nname = \"one\"\nformat = \"openai\"\n\
         url = \"{}\"\nmodel = \"m\"\n",
        server.url
    );
    write(&bench.path("home/config/config.toml"), &settings);
    server
}
