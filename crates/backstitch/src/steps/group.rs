//! Group testing: how many candidates are tried together, and which part of a group that fails is
//! tried next. Knows nothing of candidates but their number; builds and tests nothing.
//!
//! With n candidates of which k are bad, one by one takes n runs of the tests. Here the first
//! group is all of them, so that one run is enough where all are good. One that is bad costs about
//! log2 n runs more: halving finds the first part of its group that fails. What comes before is
//! known to be good then, and only what comes after is still to be tried. The groups after that
//! are of a size that fails in half of all cases as far as can be told, since a run whose outcome
//! is known beforehand tells nothing. Where a failure speaks of a few packages, there is no
//! halving: their candidates are left out, and go last and alone (`suspect.rs`).

/// How what was tried so far did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    good: usize,
    bad: usize,
}

impl Tally {
    pub(super) fn count(&mut self, is_good: bool) {
        if is_good {
            self.good += 1;
        } else {
            self.bad += 1;
        }
    }

    /// How many of those that wait are tried together next; never none.
    ///
    /// One in all of them is taken to be bad beforehand. So a group of m stands with a chance of
    /// (1 - p)^m, where p = (bad + 1) / (tried + all), and that is a half for m = ln 2 / p.
    pub(super) fn group_max(self, waiting: usize) -> usize {
        if self.bad == 0 {
            return waiting.max(1);
        }
        let tried = self.good.saturating_add(self.bad);
        let weight = tried.saturating_mul(2).saturating_add(waiting);
        // 0.7 is about ln 2.
        let half = weight.saturating_mul(7).div_ceil((self.bad + 1) * 10);
        half.clamp(1, waiting.max(1))
    }
}

/// The search in a group that fails as a whole, for the first part from its beginning that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Halving {
    /// That many stand together, or are none.
    good: usize,
    /// That many fail together.
    bad: usize,
}

impl Halving {
    /// Begins with a group that fails and has a first candidate.
    pub(super) fn of_failing(count: usize) -> Self {
        Self {
            good: 0,
            bad: count,
        }
    }

    /// How many are to be tried together next; `None` when it is known who is to blame.
    pub(super) fn next(self) -> Option<usize> {
        let apart = self.bad.saturating_sub(self.good);
        (apart > 1).then(|| self.good + apart / 2)
    }

    /// Which one is to blame if those that are tried next stand, where that is all that is left to
    /// find out.
    pub(super) fn last(self) -> Option<usize> {
        (self.bad.saturating_sub(self.good) == 2).then(|| self.good + 1)
    }

    /// Takes what trying that many told.
    pub(super) fn tell(&mut self, count: usize, stands: bool) {
        if stands {
            self.good = count;
        } else {
            self.bad = count;
        }
    }

    /// How many stand together. The one after them is to blame when nothing is left to try.
    pub(super) fn good(self) -> usize {
        self.good
    }

    /// The least number that is known to fail.
    pub(super) fn bad(self) -> usize {
        self.bad
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Do these fixes, all of them together, pass the tests?
    type Oracle<'test> = &'test dyn Fn(&BTreeSet<usize>) -> bool;

    /// What a simulated run came to.
    #[derive(Debug, PartialEq, Eq)]
    struct Came {
        accepted: BTreeSet<usize>,
        /// Runs of the tests for what was not tried before.
        runs: usize,
        /// Runs of the tests for what was rejected on an earlier tree.
        again: usize,
    }

    /// Goes on as the loop does: groups of what was not tried yet, and then one by one what was
    /// rejected before the tree changed. One by one where `group_max` is 1.
    fn repair(count: usize, group_max: usize, oracle: Oracle<'_>) -> Came {
        let mut came = Came {
            accepted: BTreeSet::new(),
            runs: 0,
            again: 0,
        };
        let mut tally = Tally::default();
        let mut waiting: Vec<usize> = (0..count).collect();
        let mut rejected = Vec::new();
        while !waiting.is_empty() {
            let size = tally.group_max(waiting.len()).min(group_max);
            let (good, to_blame) = try_group(&waiting[..size], &mut came, oracle);
            for _ in 0..good {
                tally.count(true);
            }
            came.accepted.extend(waiting.drain(..good));
            if to_blame {
                tally.count(false);
                rejected.push((waiting.remove(0), came.accepted.len()));
            }
        }
        while let Some(at) = rejected
            .iter()
            .position(|(_, accepted)| *accepted < came.accepted.len())
        {
            let (one, _) = rejected.remove(at);
            came.again += 1;
            if oracle(&with(&came.accepted, &[one])) {
                came.accepted.insert(one);
            } else {
                rejected.push((one, came.accepted.len()));
            }
        }
        came
    }

    /// How many from the beginning stand, and whether the next one is to blame.
    fn try_group(group: &[usize], came: &mut Came, oracle: Oracle<'_>) -> (usize, bool) {
        let mut stands = |count: usize| {
            came.runs += 1;
            oracle(&with(&came.accepted, &group[..count]))
        };
        if stands(group.len()) {
            return (group.len(), false);
        }
        let mut halving = Halving::of_failing(group.len());
        while let Some(middle) = halving.next() {
            let (answer, last) = (stands(middle), halving.last());
            halving.tell(middle, answer);
            assert!(last.is_none_or(|last| (halving.good() == last) == answer));
        }
        assert_eq!(halving.good() + 1, halving.bad());
        (halving.good(), true)
    }

    fn with(accepted: &BTreeSet<usize>, more: &[usize]) -> BTreeSet<usize> {
        accepted.iter().chain(more).copied().collect()
    }

    /// Sets of `size` out of `count`: all of them, or evenly chosen ones where they are many.
    fn subsets(count: usize, size: usize) -> Vec<BTreeSet<usize>> {
        let mut all = vec![BTreeSet::new()];
        for _ in 0..size {
            let grown = all.iter().flat_map(|set| {
                let from = set.last().map_or(0, |last| last + 1);
                (from..count).map(|next| with(set, &[next]))
            });
            all = grown.collect();
            // An odd step, so that all positions come up.
            let step = (all.len() / 4000) | 1;
            all = all.into_iter().step_by(step).collect();
        }
        all
    }

    fn log2(count: usize) -> usize {
        count.next_power_of_two().trailing_zeros() as usize
    }

    #[test]
    fn the_verdicts_are_those_of_one_by_one_in_few_runs() {
        for count in [1, 2, 3, 5, 8, 13, 32, 64] {
            for bad in 0..=4.min(count) {
                let (mut sum, mut sets) = (0, 0);
                for set in subsets(count, bad) {
                    let oracle = |applied: &BTreeSet<usize>| applied.is_disjoint(&set);
                    let together = repair(count, usize::MAX, &oracle);
                    let single = repair(count, 1, &oracle);
                    assert_eq!(together.accepted, single.accepted);
                    assert_eq!((together.again, single.runs), (single.again, count));
                    assert!(together.again <= bad);
                    let most = 2 + bad * (log2(count) + 2);
                    assert!(together.runs <= most, "{count}, {set:?}: {together:?}");
                    sum += together.runs;
                    sets += 1;
                }
                // One run more than that at the most, over all of them.
                let usual = 2 + bad * (log2(count) + 1);
                assert!(sum <= usual * sets, "{count}, {bad}: {sum} in {sets}");
                if count >= 32 {
                    let usual = 3 + bad * log2(count);
                    assert!(sum <= usual * sets, "{count}, {bad}: {sum} in {sets}");
                }
            }
        }
    }

    #[test]
    fn one_run_is_enough_where_all_are_good() {
        for count in 1..100 {
            assert_eq!(repair(count, usize::MAX, &|_| true).runs, 1);
        }
    }

    #[test]
    fn many_bad_ones_cost_little_more_than_one_by_one() {
        for count in [8, 32, 64] {
            let all = repair(count, usize::MAX, &|applied| applied.is_empty());
            assert!(all.accepted.is_empty());
            assert!(all.runs <= 3 * count, "{count}: {}", all.runs);
            let half = |applied: &BTreeSet<usize>| applied.iter().all(|one| one % 2 == 0);
            let half = repair(count, usize::MAX, &half);
            assert_eq!(half.accepted.len(), count / 2);
            assert!(half.runs <= 2 * count, "{count}: {}", half.runs);
        }
    }

    #[test]
    fn of_two_that_do_not_go_together_the_first_stays() {
        for pair in subsets(16, 2) {
            let oracle = |applied: &BTreeSet<usize>| !pair.is_subset(applied);
            let together = repair(16, usize::MAX, &oracle);
            assert_eq!(together.accepted, repair(16, 1, &oracle).accepted);
            assert!(!together.accepted.contains(pair.last().unwrap()));
            assert!(oracle(&together.accepted));
        }
    }

    #[test]
    fn one_that_needs_another_stands_in_the_end_whatever_else_is_bad() {
        for set in subsets(12, 3) {
            for one in &set {
                let mut others = set.iter().filter(|other| *other != one);
                let (needed, bad) = (others.next().unwrap(), others.next().unwrap());
                let oracle = |applied: &BTreeSet<usize>| {
                    !applied.contains(bad) && (!applied.contains(one) || applied.contains(needed))
                };
                let together = repair(12, usize::MAX, &oracle);
                assert_eq!(together.accepted, repair(12, 1, &oracle).accepted);
                assert_eq!(together.accepted.len(), 11);
                assert!(oracle(&together.accepted));
            }
        }
    }

    #[test]
    fn what_stands_only_together_may_stand_and_the_whole_always_does() {
        for pair in subsets(10, 2) {
            for bad in 0..10 {
                let oracle = |applied: &BTreeSet<usize>| {
                    let half = applied.intersection(&pair).count() == 1;
                    !half && (pair.contains(&bad) || !applied.contains(&bad))
                };
                let together = repair(10, usize::MAX, &oracle);
                assert!(oracle(&together.accepted), "{pair:?}, {bad}");
                assert!(
                    together
                        .accepted
                        .is_superset(&repair(10, 1, &oracle).accepted)
                );
            }
        }
    }

    #[test]
    fn a_group_is_never_empty_and_never_more_than_what_waits() {
        for good in [0, 1, 7, usize::MAX / 2] {
            for bad in [0, 1, 50] {
                for waiting in [0, 1, 2, 1000] {
                    let size = Tally { good, bad }.group_max(waiting);
                    assert!(size >= 1 && size <= waiting.max(1));
                }
            }
        }
    }
}
