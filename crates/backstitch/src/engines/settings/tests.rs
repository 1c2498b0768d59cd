//! What settings of engines are read as, and which are refused.

use super::*;

fn read(text: &str) -> Result<Engines> {
    parse(text, Path::new("config.toml"))
}

const LOCAL: &str = "[[engine]]\nname = \"local\"\nformat = \"openai\"\n\
    url = \"http://127.0.0.1:11434/v1\"\nmodel = \"m\"\n";

#[test]
fn without_a_file_there_is_no_engine_and_nothing_is_reached() {
    let engines = read("").unwrap();
    assert_eq!(engines.egress, Egress::None);
    assert!(engines.entries.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let engines = super::read_file(&folder.path().join("config.toml")).unwrap();
    assert!(engines.entries.is_empty());
}

#[test]
fn engines_are_asked_in_the_order_that_is_given_and_others_are_not() {
    let second = LOCAL.replace("local", "other");
    let engines = read(&format!(
        "[engines]\negress = \"loopback\"\n{LOCAL}{second}"
    ))
    .unwrap();
    let names = |engines: &Engines| -> Vec<String> {
        engines
            .entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    };
    assert_eq!(names(&engines), ["local", "other"]);
    assert!(
        engines.of_finding.attempts_max.is_some(),
        "there is always a limit"
    );
    let engines = read(&format!("[engines]\norder = [\"other\"]\n{LOCAL}{second}")).unwrap();
    assert_eq!(names(&engines), ["other"]);
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let command = "[[engine]]\nname = \"mine\"\nformat = \"command\"\n";
    for (text, wanted) in [
        (
            "[engines]\negress = \"everywhere\"".to_owned(),
            "everywhere",
        ),
        ("[engines]\nkey = \"x\"".to_owned(), "key"),
        (
            format!("[engines]\norder = [\"x\"]\n{LOCAL}"),
            "engines.order",
        ),
        (format!("{LOCAL}{LOCAL}"), "two engines"),
        (format!("{LOCAL}tokens_out_max = 0"), "tokens_out_max"),
        (format!("{LOCAL}network = true"), "command"),
        (
            format!("{LOCAL}price_per_million_in = -1.0"),
            "price_per_million_in",
        ),
        (
            format!("[engines.run]\nmoney_max = 2.0\n{LOCAL}"),
            "0 is free",
        ),
        (LOCAL.replace("model = \"m\"", ""), "`model` is missing"),
        (LOCAL.replace("local", "a b"), "a name is"),
        (command.to_owned(), "`command`"),
        (
            format!("{command}command = [\"x\"]\nsee = [\"here\"]"),
            "`see`",
        ),
        (
            format!("{command}command = [\"x\"]\nurl = \"http://x\""),
            "`url`",
        ),
    ] {
        let error = format!("{:#}", read(&text).unwrap_err());
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn the_page_s_example_is_read_and_its_limits_are_the_defaults() {
    let page = include_str!("../../../../../docs/engines.md");
    let example = page.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let engines = read(example).unwrap();
    let names: Vec<_> = engines
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names, ["local", "hosted"]);
    let but_money = |limits: Limits| Limits {
        money_max: None,
        ..limits
    };
    assert_eq!(
        (but_money(engines.of_run), but_money(engines.of_finding)),
        (RUN, FINDING)
    );
    // The others are there, though they are not in the order.
    let all = read(&example.replace("order = ", "# order = ")).unwrap();
    assert_eq!(all.entries.len(), 4);
    let table: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for setting in SETTINGS {
        let row = table
            .iter()
            .any(|row| row.contains(&format!("`{setting}`")));
        assert!(row, "the page does not tell of `{setting}`");
    }
}

/// Every setting of an engine.
const SETTINGS: &[&str] = &[
    "name",
    "format",
    "url",
    "model",
    "served_as",
    "key_env",
    "structured",
    "tokens_field",
    "plain_http",
    "price_per_million_in",
    "price_per_million_out",
    "tokens_out_max",
    "brief_tokens_max",
    "wall_s_max",
    "connect_s_max",
    "first_byte_s_max",
    "idle_s_max",
    "command",
    "see",
    "env",
    "network",
];

#[test]
fn a_key_in_the_place_of_its_variable_is_refused_and_not_shown() {
    let error = read(&format!("{LOCAL}key_env = \"sk-abc-123\"")).unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("key_env") && !error.contains("sk-abc"),
        "{error}"
    );
}

#[test]
fn a_project_s_file_has_no_word_for_engines() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["[engines]\negress = \"listed\"\n", LOCAL] {
        std::fs::write(folder.path().join("backstitch.toml"), text).unwrap();
        let error = crate::settings::read(folder.path(), None, Profile::Individual);
        let error = error.unwrap_err();
        assert!(format!("{error:#}").contains("unknown field"), "{error:#}");
    }
}
