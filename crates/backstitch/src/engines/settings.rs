//! The user's own settings of engines, in a file that is no project's: which there are, where
//! they may be reached, and what they may use. A project's `backstitch.toml` has no word for any
//! of it, so that a hostile repository can neither turn an engine on nor point one anywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use backstitch_engine::budget::{Limits, Money, Price};
use backstitch_engine::egress::{Egress, Plain};
use backstitch_engine::engine::Terms;
use backstitch_engine::openai::{Structured, TokensField};
use backstitch_engine::transport::Patience;
use serde::Deserialize;

use crate::places::Places;
use crate::settings::Profile;

/// The largest settings file read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How many engines one user may list.
const ENGINES_MAX: usize = 32;

/// What the user allows.
#[derive(Debug)]
pub struct Engines {
    /// Where the file is, or would be.
    pub file: PathBuf,
    /// The profile that holds: the stricter of the user's and the organisation's.
    pub profile: Profile,
    /// Where engines may be reached.
    pub egress: Egress,
    /// The engines in the order in which they are asked; none is the default.
    pub entries: Vec<Entry>,
    /// What they may use in a run.
    pub of_run: Limits,
    /// What they may use for one finding.
    pub of_finding: Limits,
}

impl Engines {
    /// Closes the way to other machines, where it is open.
    pub fn stay_on_this_machine(&mut self) {
        if self.egress == Egress::Listed {
            self.egress = Egress::Loopback;
        }
    }
}

/// One engine.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What asking it may cost.
    pub terms: Terms,
    /// What it is.
    pub kind: Kind,
}

/// What an engine is.
#[derive(Debug)]
pub enum Kind {
    /// A model behind an address.
    Server(Format, Server),
    /// A program.
    Program(Program),
    /// A coding agent, which is a program that talks the Agent Client Protocol.
    Agent(Program),
}

/// What a server talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Chat completions.
    OpenAi,
    /// Messages.
    Anthropic,
}

/// A model behind an address.
#[derive(Debug)]
pub struct Server {
    pub url: String,
    pub model: String,
    pub served_as: Vec<String>,
    pub key_env: Option<String>,
    pub structured: Structured,
    pub tokens_field: TokensField,
    pub plain: Plain,
    pub patience: Patience,
}

/// A program of the user's.
#[derive(Debug)]
pub struct Program {
    /// Its words.
    pub command: Vec<String>,
    /// Folders that it may read.
    pub see: Vec<PathBuf>,
    /// Variables that it gets.
    pub env: Vec<String>,
    /// Does it get a network?
    pub network: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    profile: Profile,
    engines: EnginesTable,
    engine: Vec<EngineTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EnginesTable {
    egress: EgressName,
    order: Option<Vec<String>>,
    run: LimitsTable,
    finding: LimitsTable,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EgressName {
    #[default]
    None,
    Loopback,
    Listed,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    money_max: Option<f64>,
    tokens_max: Option<u64>,
    wall_s_max: Option<u64>,
    attempts_max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineTable {
    name: String,
    format: FormatName,
    url: Option<String>,
    model: Option<String>,
    #[serde(default)]
    served_as: Vec<String>,
    key_env: Option<String>,
    structured: Option<StructuredName>,
    tokens_field: Option<TokensFieldName>,
    #[serde(default)]
    plain_http: bool,
    price_per_million_in: Option<f64>,
    price_per_million_out: Option<f64>,
    tokens_out_max: Option<u64>,
    brief_tokens_max: Option<u64>,
    wall_s_max: Option<u64>,
    connect_s_max: Option<u64>,
    first_byte_s_max: Option<u64>,
    idle_s_max: Option<u64>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    see: Vec<PathBuf>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    network: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    OpenAi,
    Anthropic,
    Command,
    Acp,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StructuredName {
    Words,
    Json,
    Schema,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TokensFieldName {
    MaxTokens,
    MaxCompletionTokens,
}

/// Reads what holds on this machine: the user's file, or the organisation's where there is one and
/// the user has none. Under the strict profile, whoever asks for it, only the organisation's file
/// lists engines and opens a way to them.
pub fn read(places: &Places) -> Result<Engines> {
    let organisation = read_file(places.organisation())?;
    let user = read_file(places.config())?;
    let profile = organisation.profile.max(user.profile);
    let of_organisation = match profile {
        Profile::Strict => true,
        Profile::Individual => !places.config().exists() && places.organisation().exists(),
    };
    let engines = if of_organisation { organisation } else { user };
    Ok(Engines { profile, ..engines })
}

/// Reads one file. Where there is none there is no engine, and nothing is reached.
fn read_file(file: &Path) -> Result<Engines> {
    let about = || format!("read engine settings `{}`", file.display());
    let text = match file.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(about),
        Ok(found) => {
            ensure!(
                found.is_file() && found.len() <= FILE_BYTES_MAX,
                "{}: it is no plain file of at most 1 MiB",
                about()
            );
            std::fs::read_to_string(file).with_context(about)?
        }
    };
    parse(&text, file).with_context(about)
}

fn parse(text: &str, file: &Path) -> Result<Engines> {
    let tables: File = toml::from_str(text)?;
    ensure!(
        tables.engine.len() <= ENGINES_MAX,
        "it lists {} engines; at most {ENGINES_MAX} are taken",
        tables.engine.len()
    );
    let of_run = limits("engines.run", tables.engines.run, &RUN)?;
    let of_finding = limits("engines.finding", tables.engines.finding, &FINDING)?;
    let counts_money = of_run.money_max.is_some() || of_finding.money_max.is_some();
    let mut entries = Vec::new();
    let mut names = BTreeSet::new();
    for table in tables.engine {
        ensure!(
            names.insert(table.name.clone()),
            "two engines are named `{}`",
            table.name
        );
        let about = format!("engine `{}`", table.name);
        entries.push(entry(table, counts_money).context(about)?);
    }
    if let Some(order) = tables.engines.order {
        entries = ordered(entries, &order)?;
    }
    Ok(Engines {
        file: file.to_owned(),
        profile: tables.profile,
        egress: match tables.engines.egress {
            EgressName::None => Egress::None,
            EgressName::Loopback => Egress::Loopback,
            EgressName::Listed => Egress::Listed,
        },
        entries,
        of_run,
        of_finding,
    })
}

/// The engines that are named, in that order; the others are not asked.
fn ordered(mut entries: Vec<Entry>, order: &[String]) -> Result<Vec<Entry>> {
    let mut chosen = Vec::new();
    for name in order {
        let place = entries.iter().position(|entry| entry.name == *name);
        let Some(place) = place else {
            bail!("engines.order names `{name}`, which is no engine, or names it twice");
        };
        chosen.push(entries.remove(place));
    }
    Ok(chosen)
}

/// What holds where the file says nothing, since a loop without a limit is somebody's bill.
const RUN: Limits = Limits {
    money_max: None,
    tokens_max: Some(4_000_000),
    wall_max: Some(Duration::from_secs(2 * 3600)),
    attempts_max: Some(200),
};

const FINDING: Limits = Limits {
    money_max: None,
    tokens_max: Some(500_000),
    wall_max: Some(Duration::from_secs(1800)),
    attempts_max: Some(6),
};

fn limits(name: &str, table: LimitsTable, standard: &Limits) -> Result<Limits> {
    let money_max = match table.money_max {
        None => standard.money_max,
        Some(units) => Some(money(&format!("{name}.money_max"), units)?),
    };
    Ok(Limits {
        money_max,
        tokens_max: table.tokens_max.or(standard.tokens_max),
        wall_max: table
            .wall_s_max
            .map(Duration::from_secs)
            .or(standard.wall_max),
        attempts_max: table.attempts_max.or(standard.attempts_max),
    })
}

fn money(name: &str, units: f64) -> Result<Money> {
    Money::from_units(units).with_context(|| format!("{name} is no amount of money: {units}"))
}

fn entry(table: EngineTable, counts_money: bool) -> Result<Entry> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        (1..=40).contains(&table.name.len()) && table.name.chars().all(is_name),
        "a name is 1 to 40 letters, digits and `-_.`"
    );
    let terms = terms(&table, counts_money)?;
    let (name, format) = (table.name.clone(), table.format);
    let kind = match format {
        FormatName::OpenAi => Kind::Server(Format::OpenAi, server(table)?),
        FormatName::Anthropic => Kind::Server(Format::Anthropic, server(table)?),
        FormatName::Command => Kind::Program(program(table)?),
        FormatName::Acp => Kind::Agent(program(table)?),
    };
    Ok(Entry { name, terms, kind })
}

fn terms(table: &EngineTable, counts_money: bool) -> Result<Terms> {
    let price = |name: &str, price: Option<f64>| match price {
        Some(price) => money(name, price),
        None if counts_money => bail!("{name} is needed where money is limited; 0 is free"),
        None => Ok(Money::default()),
    };
    Ok(Terms {
        price: Price {
            per_million_in: price("price_per_million_in", table.price_per_million_in)?,
            per_million_out: price("price_per_million_out", table.price_per_million_out)?,
        },
        tokens_out_max: bounded("tokens_out_max", table.tokens_out_max, 8_192, 1_000_000)?,
        brief_tokens_max: bounded(
            "brief_tokens_max",
            table.brief_tokens_max,
            24_000,
            1_000_000,
        )?,
        wall_max: seconds("wall_s_max", table.wall_s_max, 600)?,
    })
}

fn bounded(name: &str, value: Option<u64>, standard: u64, max: u64) -> Result<u64> {
    let value = value.unwrap_or(standard);
    ensure!(
        (1..=max).contains(&value),
        "{name} is 1 to {max}, not {value}"
    );
    Ok(value)
}

fn seconds(name: &str, value: Option<u64>, standard: u64) -> Result<Duration> {
    bounded(name, value, standard, 86_400).map(Duration::from_secs)
}

fn server(table: EngineTable) -> Result<Server> {
    ensure!(
        table.command.is_empty() && table.see.is_empty() && table.env.is_empty() && !table.network,
        "`command`, `see`, `env` and `network` are for the formats \"command\" and \"acp\""
    );
    if let Some(variable) = &table.key_env {
        check_variable("key_env", variable)?;
    }
    let standard = Patience::default();
    let patience = |name, value, standard: Duration| seconds(name, value, standard.as_secs());
    Ok(Server {
        url: table.url.context("`url` is missing")?,
        model: table.model.context("`model` is missing")?,
        served_as: table.served_as,
        key_env: table.key_env,
        structured: match table.structured {
            None | Some(StructuredName::Schema) => Structured::Schema,
            Some(StructuredName::Json) => Structured::Json,
            Some(StructuredName::Words) => Structured::Words,
        },
        tokens_field: match table.tokens_field {
            None | Some(TokensFieldName::MaxTokens) => TokensField::Old,
            Some(TokensFieldName::MaxCompletionTokens) => TokensField::New,
        },
        plain: if table.plain_http {
            Plain::Allowed
        } else {
            Plain::Loopback
        },
        patience: Patience {
            connect: patience("connect_s_max", table.connect_s_max, standard.connect)?,
            first_byte: patience(
                "first_byte_s_max",
                table.first_byte_s_max,
                standard.first_byte,
            )?,
            idle: patience("idle_s_max", table.idle_s_max, standard.idle)?,
        },
    })
}

/// A variable's name. A key itself, put there by mistake, is told without being shown.
fn check_variable(setting: &str, name: &str) -> Result<()> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        (1..=64).contains(&name.len()) && name.chars().all(is_name),
        "`{setting}` is the name of a variable, in capitals; a key itself does not go into a file"
    );
    Ok(())
}

fn program(table: EngineTable) -> Result<Program> {
    ensure!(
        table.url.is_none() && table.model.is_none() && table.key_env.is_none(),
        "`url`, `model` and `key_env` are for the other formats"
    );
    let has_program = table.command.first().is_some_and(|word| !word.is_empty());
    ensure!(
        has_program && table.command.iter().all(|word| !word.contains('\0')),
        "`command` is a list of words, and the first is the program"
    );
    for variable in &table.env {
        check_variable("env", variable)?;
    }
    ensure!(
        table.see.iter().all(|path| path.is_absolute()),
        "`see` lists whole paths, such as \"/opt/tool\""
    );
    Ok(Program {
        command: table.command,
        see: table.see,
        env: table.env,
        network: table.network,
    })
}

#[cfg(test)]
mod tests;
