//! Chooses and computes a finding's severity from the vectors that its records state.
//!
//! Scores are computed by the `cvss` crate, never taken from a record.

use backstitch_model::Advisory;
use backstitch_model::advisory::SeverityVector;
use backstitch_model::finding::{Severity, SeverityLevel};

/// The system under which a database's own word (`MODERATE`) is kept. It counts only
/// where no vector is stated.
pub(crate) const LEVEL_SYSTEM: &str = "database level";

/// Chooses the severity to show: the latest CVSS version that any record states, then the
/// record that comes first, then the higher score.
pub fn choose<'data>(records: impl IntoIterator<Item = &'data Advisory>) -> Option<Severity> {
    let mut chosen: Option<(u8, Severity)> = None;
    for record in records {
        let best = record
            .severities
            .iter()
            .filter_map(|vector| rate(vector, record))
            .max_by_key(|(system, severity)| (*system, severity.score_tenths, severity.level));
        if let Some(best) = best
            && chosen.as_ref().is_none_or(|(system, _)| best.0 > *system)
        {
            chosen = Some(best);
        }
    }
    chosen.map(|(_, severity)| severity)
}

/// Computes one vector's severity, with the rank of its system; `None` where the vector
/// cannot be read or the system is unknown.
fn rate(vector: &SeverityVector, record: &Advisory) -> Option<(u8, Severity)> {
    let severity = |level, score_tenths| Severity {
        level,
        vector: vector.clone(),
        score_tenths,
        source: record.id.clone(),
    };
    if vector.system == LEVEL_SYSTEM {
        return Some((0, severity(word(&vector.vector)?, None)));
    }
    let rank = match vector.system.as_str() {
        "CVSS_V4" => 4,
        "CVSS_V3" => 3,
        "CVSS_V2" => 2,
        _ => return None,
    };
    let cvss: cvss::Cvss = vector.vector.parse().ok()?;
    let tenths = tenths(cvss.score())?;
    Some((rank, severity(level(tenths), Some(tenths))))
}

/// A score in tenths; scores have one decimal place and go from 0.0 to 10.0.
fn tenths(score: f64) -> Option<u16> {
    let tenths = (score * 10.0).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked right before"
    )]
    (0.0..=100.0).contains(&tenths).then_some(tenths as u16)
}

/// The qualitative scale of CVSS 3.1 and 4.0, used for 2.0 too so that levels compare.
fn level(tenths: u16) -> SeverityLevel {
    match tenths {
        0 => SeverityLevel::None,
        1..=39 => SeverityLevel::Low,
        40..=69 => SeverityLevel::Medium,
        70..=89 => SeverityLevel::High,
        90.. => SeverityLevel::Critical,
    }
}

fn word(word: &str) -> Option<SeverityLevel> {
    match word.to_ascii_uppercase().as_str() {
        "LOW" => Some(SeverityLevel::Low),
        "MODERATE" | "MEDIUM" => Some(SeverityLevel::Medium),
        "HIGH" => Some(SeverityLevel::High),
        "CRITICAL" => Some(SeverityLevel::Critical),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use backstitch_model::AdvisoryId;
    use proptest::prelude::*;

    use super::*;

    fn record(id: &str, severities: &[(&str, &str)]) -> Advisory {
        Advisory {
            id: AdvisoryId::new(id).unwrap(),
            aliases: vec![],
            published: String::new(),
            modified: String::new(),
            withdrawn: None,
            summary: String::new(),
            affected: vec![],
            severities: severities
                .iter()
                .map(|(system, vector)| SeverityVector {
                    system: (*system).into(),
                    vector: (*vector).into(),
                })
                .collect(),
            weaknesses: vec![],
            references: vec![],
        }
    }

    const V2: (&str, &str) = ("CVSS_V2", "AV:N/AC:L/Au:N/C:P/I:P/A:P");
    const V3: (&str, &str) = ("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
    const V4: (&str, &str) = (
        "CVSS_V4",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N",
    );

    #[test]
    fn the_latest_cvss_version_wins_and_its_score_is_computed() {
        let old = record("RUSTSEC-2020-0001", &[V3, V2]);
        let new = record("GHSA-0000", &[V4]);
        let severity = choose([&old]).unwrap();
        assert_eq!(severity.score_tenths, Some(98));
        assert_eq!(severity.level, SeverityLevel::Critical);
        let severity = choose([&old, &new]).unwrap();
        assert_eq!(severity.score_tenths, Some(69));
        assert_eq!(severity.source.as_str(), "GHSA-0000");
        assert_eq!(
            choose([&record("A", &[V2])]).unwrap().score_tenths,
            Some(75)
        );
    }

    #[test]
    fn a_databases_own_word_counts_only_without_a_vector() {
        let word = (LEVEL_SYSTEM, "MODERATE");
        let severity = choose([&record("A", &[word])]).unwrap();
        assert_eq!(
            (severity.level, severity.score_tenths),
            (SeverityLevel::Medium, None)
        );
        assert_eq!(
            choose([&record("A", &[word, V3])]).unwrap().score_tenths,
            Some(98)
        );
    }

    #[test]
    fn a_vector_that_cannot_be_read_gives_no_severity() {
        for vector in ["", "CVSS:9.9/AV:N", "CVSS:3.1/AV:Q", "7.5"] {
            assert_eq!(
                choose([&record("A", &[("CVSS_V3", vector)])]),
                None,
                "{vector}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_vector_is_rated_or_left_out_without_a_panic(
            start in proptest::sample::select(vec![V2.1, V3.1, V4.1]),
            place in any::<usize>(),
            inserted in "[A-Z:/.0-9é]{0,4}",
            removed in 0_usize..6,
        ) {
            let mut characters: Vec<char> = start.chars().collect();
            let place = place % characters.len();
            let end = (place + removed).min(characters.len());
            characters.splice(place..end, inserted.chars());
            let vector: String = characters.into_iter().collect();
            for system in ["CVSS_V2", "CVSS_V3", "CVSS_V4"] {
                let _ = choose([&record("A", &[(system, &vector)])]);
            }
        }
    }
}
