//! What measuring engines came to, for people and for machines.

use std::time::Duration;

use backstitch_engine::{Money, Spend};
use backstitch_model::Check;
use backstitch_model::verdict::Conclusion;
use serde::Serialize;

use super::terminal::table;
use super::{escape, words};
use crate::bench::{End, Row};
use crate::wire;

/// The longest reason shown in a cell, in characters; the JSON has all of it.
const REASON_CHARS_MAX: usize = 160;

/// What one engine came to on all cases.
#[derive(Debug, Default, Serialize)]
struct Sum {
    engine: String,
    cases: usize,
    proven: usize,
    tested: usize,
    rejected: usize,
    refused: usize,
    nothing: usize,
    cost_millionths: u64,
    tokens: u64,
    elapsed_ms: u64,
}

/// How one engine did on one case.
#[derive(Debug, Serialize)]
struct RowObject {
    engine: String,
    case: String,
    language: String,
    weakness: String,
    end: &'static str,
    verdict: Option<super::json::VerdictObject>,
    why: Option<String>,
    rejections: Vec<&'static str>,
    test: Option<wire::Test>,
    cost_millionths: u64,
    tokens: u64,
    elapsed_ms: u64,
}

/// What `bench --format json` prints.
#[derive(Debug, Serialize)]
pub struct Measured {
    format: u32,
    engines: Vec<Sum>,
    rows: Vec<RowObject>,
}

/// Describes it for machines.
pub fn json(rows: &[Row]) -> Measured {
    Measured {
        format: wire::FORMAT_VERSION,
        engines: sums(rows),
        rows: rows.iter().map(object).collect(),
    }
}

fn object(row: &Row) -> RowObject {
    let (verdict, why) = match &row.end {
        End::Judged(verdict) => (Some(super::json::verdict(verdict)), None),
        End::Refused(why) | End::Nothing(why) => (None, Some(why.clone())),
    };
    RowObject {
        engine: row.engine.clone(),
        case: row.case.clone(),
        language: row.language.clone(),
        weakness: row.weakness.clone(),
        end: group(row).word(),
        verdict,
        why,
        rejections: row.rejections.iter().map(|check| check.name()).collect(),
        test: row.test.clone(),
        cost_millionths: row.spent.money.0,
        tokens: row.spent.tokens,
        elapsed_ms: milliseconds(row.elapsed),
    }
}

/// Tells it in two tables: each case, and each engine.
pub fn text(rows: &[Row]) -> String {
    let mut cases = table(&[
        "Case",
        "Weakness",
        "Engine",
        "End",
        "Rejected by",
        "Its test",
        "In words",
    ]);
    for row in rows {
        let why = match &row.end {
            End::Judged(verdict) => match &verdict.conclusion {
                Conclusion::Rejected(_, why)
                | Conclusion::Inconclusive(why)
                | Conclusion::ProvenDiffers(why) => why.as_str(),
                Conclusion::Proven
                | Conclusion::Tested
                | Conclusion::Resolved
                | Conclusion::Clean => "",
            },
            End::Refused(why) | End::Nothing(why) => why,
        };
        let rungs: Vec<_> = row.rejections.iter().map(|check| check.name()).collect();
        cases.add_row([
            escape(&row.case),
            escape(&row.weakness),
            escape(&row.engine),
            match &row.end {
                End::Judged(verdict) => verdict.conclusion.name().into(),
                End::Refused(_) | End::Nothing(_) => group(row).word().into(),
            },
            rungs.join(", "),
            row.test
                .as_ref()
                .map_or_else(String::new, |test| test.outcome.clone()),
            escape(&why.chars().take(REASON_CHARS_MAX).collect::<String>()).replace('\n', " "),
        ]);
    }
    let mut engines = table(&[
        "Engine",
        "Cases",
        "Proven",
        "Tested",
        "Rejected by",
        "Refused",
        "Nothing",
        "Cost",
        "Tokens",
        "Time",
    ]);
    for sum in sums(rows) {
        engines.add_row([
            escape(&sum.engine),
            sum.cases.to_string(),
            sum.proven.to_string(),
            sum.tested.to_string(),
            rejected(rows, &sum),
            sum.refused.to_string(),
            sum.nothing.to_string(),
            match sum.cost_millionths {
                0 => "0".into(),
                cost => Money(cost).to_string(),
            },
            sum.tokens.to_string(),
            words::elapsed(Duration::from_millis(sum.elapsed_ms)),
        ]);
    }
    format!("{}\n{}", cases.text(), engines.text())
}

/// How many cases ended as rejected, and by which rung.
fn rejected(rows: &[Row], sum: &Sum) -> String {
    let of_engine = || rows.iter().filter(|row| row.engine == sum.engine);
    let by = |check: Check| {
        let ended = of_engine().filter(|row| group(row) == Group::Rejected);
        ended
            .filter(|row| row.rejections.last() == Some(&check))
            .count()
    };
    let rungs = Check::LADDER.into_iter().map(|check| (check, by(check)));
    let told: Vec<_> = rungs
        .filter(|(_, count)| *count > 0)
        .map(|(check, count)| format!("{check} {count}"))
        .collect();
    match told.as_slice() {
        [] => sum.rejected.to_string(),
        told => format!("{} ({})", sum.rejected, told.join(", ")),
    }
}

/// What the ends are counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Proven,
    Tested,
    Rejected,
    Refused,
    Nothing,
}

impl Group {
    fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Tested => "tested",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Nothing => "nothing",
        }
    }
}

/// What cannot be concluded is as little use as what is rejected.
fn group(row: &Row) -> Group {
    match &row.end {
        End::Judged(verdict) => match verdict.conclusion {
            Conclusion::Proven | Conclusion::ProvenDiffers(_) => Group::Proven,
            Conclusion::Tested | Conclusion::Resolved | Conclusion::Clean => Group::Tested,
            Conclusion::Rejected(..) | Conclusion::Inconclusive(_) => Group::Rejected,
        },
        End::Refused(_) => Group::Refused,
        End::Nothing(_) => Group::Nothing,
    }
}

fn sums(rows: &[Row]) -> Vec<Sum> {
    let mut sums: Vec<Sum> = Vec::new();
    for row in rows {
        let at = sums.iter().position(|sum| sum.engine == row.engine);
        let at = at.unwrap_or_else(|| {
            sums.push(Sum {
                engine: row.engine.clone(),
                ..Sum::default()
            });
            sums.len() - 1
        });
        let sum = &mut sums[at];
        sum.cases += 1;
        *match group(row) {
            Group::Proven => &mut sum.proven,
            Group::Tested => &mut sum.tested,
            Group::Rejected => &mut sum.rejected,
            Group::Refused => &mut sum.refused,
            Group::Nothing => &mut sum.nothing,
        } += 1;
        let Spend { money, tokens, .. } = row.spent;
        sum.cost_millionths = sum.cost_millionths.saturating_add(money.0);
        sum.tokens = sum.tokens.saturating_add(tokens);
        sum.elapsed_ms = sum.elapsed_ms.saturating_add(milliseconds(row.elapsed));
    }
    sums
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
