//! What engines may use: money, tokens, time and attempts, for each finding and for the run. The
//! worst case of a call is set aside before it and settled after it, so that no limit is passed
//! by a call that turns out dear. Reads no clock.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use backstitch_model::FindingId;

/// Money in millionths of the unit that the settings' prices are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(pub u64);

/// What a model's tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Price {
    /// For a million tokens that go in.
    pub per_million_in: Money,
    /// For a million tokens that come out.
    pub per_million_out: Money,
}

/// What may be used; what has no limit here is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Money.
    pub money_max: Option<Money>,
    /// Tokens, in and out together.
    pub tokens_max: Option<u64>,
    /// The time that engines took.
    pub wall_max: Option<Duration>,
    /// Calls of an engine.
    pub attempts_max: Option<u32>,
}

/// What was used, or would be at the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    /// Money.
    pub money: Money,
    /// Tokens, in and out together.
    pub tokens: u64,
    /// Time.
    pub wall: Duration,
    /// Calls.
    pub attempts: u32,
}

/// Says which limit a call would pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhausted {
    /// What there is too little of.
    pub what: Resource,
    /// Whose limit it is.
    pub scope: Scope,
    /// How much is left, and how much the call could take.
    pub detail: String,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Money.
    Money,
    /// Tokens.
    Tokens,
    /// Time.
    Wall,
    /// Calls.
    Attempts,
}

/// Whose limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One finding's.
    Finding,
    /// The whole run's.
    Run,
}

/// The budgets of a run and of its findings, and what is used of them.
#[derive(Debug, Clone)]
pub struct Budget {
    of_run: Limits,
    of_finding: Limits,
    used: Spend,
    used_by: BTreeMap<FindingId, Spend>,
}

/// A call's worst case, set aside. Until it is settled it counts as used.
#[derive(Debug)]
#[must_use = "what is set aside stays so until it is settled"]
pub struct Reservation {
    finding: FindingId,
    worst: Spend,
}

impl Money {
    /// Reads an amount such as 0.25; nothing where it is negative or no number. Rounds up.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked just before"
    )]
    pub fn from_units(units: f64) -> Option<Self> {
        let millionths = (units * 1e6).ceil();
        (0.0..=1e15)
            .contains(&millionths)
            .then_some(Self(millionths as u64))
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four places tell a small call from a free one.
        let ten_thousandths = self.0.div_ceil(100);
        write!(
            formatter,
            "{}.{:04}",
            ten_thousandths / 10_000,
            ten_thousandths % 10_000
        )
    }
}

impl Price {
    /// What so many tokens cost, rounded up to a millionth.
    pub fn of(&self, tokens_in: u64, tokens_out: u64) -> Money {
        let cost = |tokens: u64, per_million: Money| {
            (u128::from(tokens) * u128::from(per_million.0)).div_ceil(1_000_000)
        };
        let both = cost(tokens_in, self.per_million_in) + cost(tokens_out, self.per_million_out);
        Money(u64::try_from(both).unwrap_or(u64::MAX))
    }
}

impl Spend {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            money: self.money.plus(other.money),
            tokens: self.tokens.saturating_add(other.tokens),
            wall: self.wall.saturating_add(other.wall),
            attempts: self.attempts.saturating_add(other.attempts),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            money: Money(self.money.0.saturating_sub(other.money.0)),
            tokens: self.tokens.saturating_sub(other.tokens),
            wall: self.wall.saturating_sub(other.wall),
            attempts: self.attempts.saturating_sub(other.attempts),
        }
    }
}

impl Reservation {
    /// The worst case, with no more time than is left.
    pub fn worst(&self) -> Spend {
        self.worst
    }
}

impl Budget {
    /// Begins with nothing used.
    pub fn new(of_run: Limits, of_finding: Limits) -> Self {
        Self {
            of_run,
            of_finding,
            used: Spend::default(),
            used_by: BTreeMap::new(),
        }
    }

    /// Sets a call's worst case aside, or says which limit it would pass. Of time it sets aside
    /// what is left where that is less, since a call can be cut short; money cannot.
    pub fn reserve(&mut self, finding: &FindingId, worst: Spend) -> Result<Reservation, Exhausted> {
        let of_finding = self.used_by.get(finding).copied().unwrap_or_default();
        let wall = check(Scope::Run, &self.of_run, &self.used, &worst)?;
        let wall = wall.min(check(
            Scope::Finding,
            &self.of_finding,
            &of_finding,
            &worst,
        )?);
        let worst = Spend { wall, ..worst };
        self.add(finding, worst);
        Ok(Reservation {
            finding: finding.clone(),
            worst,
        })
    }

    /// Puts what a call used in the place of what was set aside for it.
    pub fn settle(&mut self, reservation: Reservation, used: Spend) {
        let Reservation { finding, worst } = reservation;
        let settle = |all: Spend| all.minus(worst).plus(used);
        self.used = settle(self.used);
        if let Some(of_finding) = self.used_by.get_mut(&finding) {
            *of_finding = settle(*of_finding);
        }
    }

    /// Counts what an earlier process of the same run had used.
    pub fn add(&mut self, finding: &FindingId, used: Spend) {
        self.used = self.used.plus(used);
        let of_finding = self.used_by.entry(finding.clone()).or_default();
        *of_finding = of_finding.plus(used);
    }

    /// What the run has used, with what is set aside.
    pub fn used(&self) -> Spend {
        self.used
    }

    /// What a finding has used, with what is set aside.
    pub fn used_by(&self, finding: &FindingId) -> Spend {
        self.used_by.get(finding).copied().unwrap_or_default()
    }
}

/// Does the worst case fit? Answers the time that the call may take.
fn check(
    scope: Scope,
    limits: &Limits,
    used: &Spend,
    worst: &Spend,
) -> Result<Duration, Exhausted> {
    let exhausted = |what, left: String, needs: String| {
        Err(Exhausted {
            what,
            scope,
            detail: format!("{left} left, and a call may take {needs}"),
        })
    };
    if let Some(max) = limits.attempts_max
        && used.attempts.saturating_add(worst.attempts) > max
    {
        let left = max.saturating_sub(used.attempts);
        return exhausted(
            Resource::Attempts,
            left.to_string(),
            worst.attempts.to_string(),
        );
    }
    if let Some(max) = limits.money_max
        && used.money.plus(worst.money) > max
    {
        let left = Money(max.0.saturating_sub(used.money.0));
        return exhausted(Resource::Money, left.to_string(), worst.money.to_string());
    }
    if let Some(max) = limits.tokens_max
        && used.tokens.saturating_add(worst.tokens) > max
    {
        let left = max.saturating_sub(used.tokens);
        return exhausted(Resource::Tokens, left.to_string(), worst.tokens.to_string());
    }
    let Some(max) = limits.wall_max else {
        return Ok(worst.wall);
    };
    let left = max.saturating_sub(used.wall);
    // Less than a second brings no answer, and costs all the same.
    if left < Duration::from_secs(1) && left < worst.wall {
        let seconds = |time: Duration| format!("{} s", time.as_secs());
        return exhausted(Resource::Wall, seconds(left), seconds(worst.wall));
    }
    Ok(worst.wall.min(left))
}

impl fmt::Display for Exhausted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Resource::Money => "money",
            Resource::Tokens => "tokens",
            Resource::Wall => "time",
            Resource::Attempts => "attempts",
        };
        let scope = match self.scope {
            Scope::Finding => "this finding",
            Scope::Run => "this run",
        };
        write!(
            formatter,
            "it was not asked: {what} for {scope}: {}",
            self.detail
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str) -> FindingId {
        FindingId(name.into())
    }

    fn worst() -> Spend {
        Spend {
            money: Money(600),
            tokens: 100,
            wall: Duration::from_secs(60),
            attempts: 1,
        }
    }

    #[test]
    fn the_worst_case_counts_until_it_is_settled() {
        let limits = Limits {
            money_max: Some(Money(1000)),
            ..Limits::default()
        };
        let mut budget = Budget::new(limits, Limits::default());
        let first = budget.reserve(&finding("a"), worst()).unwrap();
        // A second call at the same time could go past the limit, so it is not made.
        let refused = budget.reserve(&finding("b"), worst()).unwrap_err();
        assert_eq!((refused.what, refused.scope), (Resource::Money, Scope::Run));
        budget.settle(
            first,
            Spend {
                money: Money(100),
                tokens: 20,
                wall: Duration::from_secs(2),
                attempts: 1,
            },
        );
        assert_eq!(budget.used().money, Money(100));
        let second = budget.reserve(&finding("b"), worst()).unwrap();
        // One that never ends, since the process was killed, counts as its worst case.
        drop(second);
        assert_eq!(budget.used().money, Money(700));
        assert_eq!(budget.used_by(&finding("a")).tokens, 20);
    }

    #[test]
    fn each_limit_stops_and_names_itself() {
        let none = Limits::default();
        for (limits, what) in [
            (
                Limits {
                    money_max: Some(Money(599)),
                    ..none
                },
                Resource::Money,
            ),
            (
                Limits {
                    tokens_max: Some(99),
                    ..none
                },
                Resource::Tokens,
            ),
            (
                Limits {
                    wall_max: Some(Duration::ZERO),
                    ..none
                },
                Resource::Wall,
            ),
            (
                Limits {
                    attempts_max: Some(0),
                    ..none
                },
                Resource::Attempts,
            ),
        ] {
            let by_run = Budget::new(limits, none).reserve(&finding("a"), worst());
            assert_eq!(by_run.unwrap_err().what, what);
            let by_finding = Budget::new(none, limits).reserve(&finding("a"), worst());
            let by_finding = by_finding.unwrap_err();
            assert_eq!((by_finding.what, by_finding.scope), (what, Scope::Finding));
            assert!(by_finding.to_string().contains("this finding"));
        }
    }

    #[test]
    fn one_finding_s_limit_is_not_another_s() {
        let one = Limits {
            attempts_max: Some(1),
            ..Limits::default()
        };
        let mut budget = Budget::new(Limits::default(), one);
        let first = budget.reserve(&finding("a"), worst()).unwrap();
        budget.settle(first, worst());
        assert!(budget.reserve(&finding("a"), worst()).is_err());
        assert!(budget.reserve(&finding("b"), worst()).is_ok());
    }

    #[test]
    fn a_call_gets_no_more_time_than_is_left() {
        let limits = Limits {
            wall_max: Some(Duration::from_secs(70)),
            ..Limits::default()
        };
        let mut budget = Budget::new(limits, Limits::default());
        let first = budget.reserve(&finding("a"), worst()).unwrap();
        assert_eq!(first.worst().wall, Duration::from_secs(60));
        budget.settle(first, worst());
        let second = budget.reserve(&finding("a"), worst()).unwrap();
        assert_eq!(second.worst().wall, Duration::from_secs(10));
    }

    #[test]
    fn prices_are_rounded_up_and_nothing_overflows() {
        let price = Price {
            per_million_in: Money::from_units(0.075).unwrap(),
            per_million_out: Money::from_units(15.0).unwrap(),
        };
        assert_eq!(price.of(1, 0), Money(1));
        assert_eq!(price.of(1_000_000, 1_000_000), Money(15_075_000));
        assert_eq!(Money(15_075_000).to_string(), "15.0750");
        let dear = Price {
            per_million_in: Money(u64::MAX),
            per_million_out: Money(u64::MAX),
        };
        assert_eq!(dear.of(u64::MAX, u64::MAX), Money(u64::MAX));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Money::from_units(bad), None);
        }
    }
}
