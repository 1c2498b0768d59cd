//! Engines, for people: which there are, what trying them showed, and what one would be told.

use std::fmt::Write as _;
use std::time::Duration;

use backstitch_engine::budget::{Limits, Money};
use backstitch_engine::outcome::Outcome;
use backstitch_engine::{Egress, SafeBrief};

use super::escape;
use super::terminal::table;
use crate::engines::settings::{Format, Kind};
use crate::engines::{Engines, Proof, Trial};

/// Lists the engines in the order in which they are asked.
pub fn list(engines: &Engines) -> String {
    let file = engines.file.display();
    let mut text = String::new();
    if engines.entries.is_empty() {
        text.push_str("no engine: nothing is asked, and every fix is one that needs none\n");
    } else {
        let mut table = table(&["Engine", "Talks", "Where", "Model", "Key", "Price in, out"]);
        for entry in &engines.entries {
            let price = entry.terms.price;
            let (talks, place, model, key) = match &entry.kind {
                Kind::Server(format, server) => (
                    format_name(*format),
                    server.url.clone(),
                    server.model.clone(),
                    server.key_env.clone().unwrap_or_else(|| "none".into()),
                ),
                Kind::Program(program) | Kind::Agent(program) => {
                    let talks = match &entry.kind {
                        Kind::Agent(_) => "acp",
                        Kind::Program(_) | Kind::Server(..) => "command",
                    };
                    let place = program.command.join(" ");
                    (talks, place, String::new(), program.env.join(" "))
                }
            };
            table.add_row([
                escape(&entry.name),
                talks.into(),
                escape(&place),
                escape(&model),
                escape(&key),
                format!("{}, {}", price.per_million_in, price.per_million_out),
            ]);
        }
        text.push_str(&table.text());
    }
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(text, "profile   {}", engines.profile.name());
    let _ = writeln!(text, "egress    {}", egress(engines.egress));
    let _ = writeln!(text, "a run     {}", limits(&engines.of_run));
    let _ = writeln!(text, "a finding {}", limits(&engines.of_finding));
    let _ = writeln!(text, "settings  {}", escape(&file.to_string()));
    text
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::OpenAi => "openai",
        Format::Anthropic => "anthropic",
    }
}

fn egress(egress: Egress) -> &'static str {
    match egress {
        Egress::None => "none: no engine is reached over a network",
        Egress::Loopback => "loopback: only this machine",
        Egress::Listed => "listed: the addresses above",
    }
}

fn limits(limits: &Limits) -> String {
    let mut parts = Vec::new();
    if let Some(money) = limits.money_max {
        parts.push(format!("{money} of money"));
    }
    if let Some(tokens) = limits.tokens_max {
        parts.push(format!("{tokens} tokens"));
    }
    if let Some(wall) = limits.wall_max {
        parts.push(format!("{} s", wall.as_secs()));
    }
    if let Some(attempts) = limits.attempts_max {
        parts.push(format!("{attempts} attempts"));
    }
    parts.join(", ")
}

/// Tells what trying each engine showed.
pub fn trials(trials: &[Trial]) -> String {
    let mut table = table(&[
        "Engine", "Answer", "Proof", "Cost", "Tokens", "Time", "In words",
    ]);
    for trial in trials {
        let (proof, why) = match &trial.proof {
            Proof::Proven => ("red before, green after", ""),
            Proof::Failed(why) => ("failed", why.as_str()),
            Proof::NotRun(why) => ("not run", why.as_str()),
        };
        let spent = trial.turn.spent;
        let mut words = match &trial.turn.outcome {
            Outcome::Proposed(proposal) => proposal.explanation.fix.clone(),
            other => other.to_string(),
        };
        if !why.is_empty() && trial.turn.outcome.word() == "proposed" {
            words = format!("{words}\n{why}");
        }
        table.add_row([
            escape(&trial.turn.engine),
            trial.turn.outcome.word().into(),
            proof.into(),
            money(spent.money),
            spent.tokens.to_string(),
            seconds(spent.wall),
            escape(&words.chars().take(400).collect::<String>()),
        ]);
    }
    let works = trials.iter().filter(|trial| trial.works()).count();
    format!("{}{works} of {} work\n", table.text(), trials.len())
}

fn money(money: Money) -> String {
    if money == Money::default() {
        "0".into()
    } else {
        money.to_string()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Shows what a model would be told.
pub fn brief(brief: &SafeBrief) -> String {
    let prompt = brief.prompt();
    let mut text = format!("{}\n\n{}", prompt.system, prompt.user);
    if !brief.redacted().is_empty() {
        let kinds: Vec<_> = brief.redacted().iter().copied().collect();
        let _ = writeln!(text, "\n(taken out: {})", kinds.join(", "));
    }
    escape(&text)
}
