//! Gathers variants from everything that makes them, a few of each, in an order that is the same
//! each time. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::mutate::{self, BYTES_MAX, Edges};
use super::windows::Count;
use super::{siblings, texts, windows};
use crate::workbench::variants::Chance;

/// The longest input that is varied at every place, in bytes.
const EVERYWHERE_BYTES_MAX: usize = 4 << 10;
/// The most inputs of each kind that are varied at every place.
const INPUTS_MAX: usize = 6;

/// What variants are made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    /// The inputs that show the flaw.
    pub(super) listed: Vec<Vec<u8>>,
    /// Some that show none.
    pub(super) benign: Vec<Vec<u8>>,
    /// Where on the untouched tree the listed ones turn.
    pub(super) edges: Edges,
    /// Words that the project and the reproducer know.
    pub(super) words: Vec<String>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) bytes: Vec<u8>,
    /// Is it made of an input that shows the flaw, or broken in its form?
    pub(super) is_near: bool,
    /// Which count was set, where that is all.
    pub(super) count: Option<Count>,
}

/// Variants, by the input that they are made of.
type Lists = Vec<Vec<Vec<u8>>>;

/// How many variants a manner gives each time that it has its turn: those of which few are needed
/// to tell much come sooner.
const OFTEN: usize = 3;
const SELDOM: usize = 1;

/// Variants of one manner.
struct Manner {
    is_near: bool,
    each_time: usize,
    made: std::vec::IntoIter<Vec<u8>>,
}

impl Sources {
    /// At most `count` variants, none of which is an input itself.
    pub(super) fn variants(&self, seed: &str, count: usize) -> Vec<Variant> {
        let mut known: BTreeSet<Vec<u8>> =
            self.listed.iter().chain(&self.benign).cloned().collect();
        let mut variants: Vec<Variant> = Vec::new();
        let mut manners = self.manners(&mut Chance::new(seed), count);
        let counts = self.counts();
        while variants.len() < count && !manners.is_empty() {
            manners.retain_mut(|manner| {
                for _ in 0..manner.each_time {
                    let next = manner
                        .made
                        .find(|it| it.len() <= BYTES_MAX && !known.contains(it));
                    let Some(bytes) = next else {
                        return false;
                    };
                    if variants.len() < count {
                        known.insert(bytes.clone());
                        variants.push(Variant {
                            count: counts.get(&bytes).copied().filter(|_| !manner.is_near),
                            bytes,
                            is_near: manner.is_near,
                        });
                    }
                }
                true
            });
        }
        variants
    }

    /// The counts of inputs that are no text, by what is made of setting them.
    fn counts(&self) -> BTreeMap<Vec<u8>, Count> {
        let benign = fit(&self.benign);
        if is_text(&benign) {
            return BTreeMap::new();
        }
        let each = benign.iter().enumerate();
        each.flat_map(|(number, input)| windows::counted(number, input))
            .collect()
    }

    fn manners(&self, chance: &mut Chance, count: usize) -> Vec<Manner> {
        let mut manners = Vec::new();
        let mut add = |is_near: bool, each_time: usize, made: Vec<Vec<u8>>| {
            manners.push(Manner {
                is_near,
                each_time,
                made: made.into_iter(),
            });
        };
        let (listed, benign) = (fit(&self.listed), fit(&self.benign));
        add(true, OFTEN, self.edges.variants(&self.listed));
        for made in self.likeliest() {
            add(true, OFTEN, made);
        }
        if is_text(&self.listed) {
            let made = self.listed.iter().map(|it| texts::spaced(it));
            add(
                true,
                OFTEN,
                taking_turns(made.map(|it| shuffled(it, chance))),
            );
        }
        let within = listed.iter().flat_map(|input| {
            let each = benign.iter().map(move |other| (input, other));
            each.map(|(input, other)| siblings::within(input, other))
        });
        add(true, OFTEN, taking_turns(within));
        let telling = self.listed.iter().map(|it| mutate::telling(it));
        add(
            true,
            SELDOM,
            taking_turns(telling.map(|it| shuffled(it, chance))),
        );
        let both = [&listed[..], &benign].concat();
        if is_text(&listed) {
            add(true, OFTEN, in_turn(&both, &siblings::products));
        } else {
            add(true, OFTEN, in_turn(&both, &windows::products));
            add(true, OFTEN, in_turn(&both, &windows::by_one));
        }
        for lists in self.everywhere(&listed, &benign) {
            let made = lists.into_iter().map(|it| shuffled(it, chance));
            add(true, SELDOM, taking_turns(made));
        }
        // What breaks an input's form is as near to the flaw.
        for lists in self.everywhere(&benign, &[]) {
            let made = lists.into_iter().map(|it| shuffled(it, chance));
            add(true, SELDOM, taking_turns(made));
        }
        if is_text(&benign) {
            let much = |input: &[u8]| {
                let [much, _] = texts::counted(input, self.edges.least_value());
                much
            };
            add(false, OFTEN, in_turn(&benign, &much));
        }
        for lists in self.gentle(&benign) {
            let made = lists.into_iter().map(|it| shuffled(it, chance));
            add(false, OFTEN, taking_turns(made));
        }
        for inputs in [&self.listed, &self.benign] {
            add(
                true,
                SELDOM,
                mutate::by_chance(inputs, &self.words, chance, count),
            );
        }
        manners
    }

    /// Variants of the inputs that show the flaw, by their manner: what is left open by a fix of the
    /// listed ones alone.
    fn likeliest(&self) -> Vec<Vec<Vec<u8>>> {
        let of_listed = |make: fn(&[u8]) -> Vec<Vec<u8>>| in_turn(&self.listed, &make);
        let mut all = vec![
            of_listed(mutate::longer),
            of_listed(mutate::synonyms),
            of_listed(mutate::other_letters),
            of_listed(mutate::other_ends),
            of_listed(siblings::other_keys),
            of_listed(siblings::turned),
        ];
        for manner in 0..3 {
            let commands = |input: &[u8]| siblings::commands(input, &self.words)[manner].clone();
            all.push(in_turn(&self.listed, &commands));
        }
        all
    }

    /// Variants of inputs that show no flaw which keep their form, by their manner and input: what
    /// somebody may well use the program for.
    fn gentle(&self, benign: &[Vec<u8>]) -> Vec<Lists> {
        let edges = &self.edges;
        let of_each = |make: &dyn Fn(&[u8]) -> Vec<Vec<u8>>| -> Lists {
            benign.iter().map(|input| make(input)).collect()
        };
        if is_text(benign) {
            vec![
                of_each(&|input| texts::words(input, &[])),
                of_each(&texts::lines),
                of_each(&texts::punctuated),
                of_each(&texts::with_signs),
                of_each(&|input| texts::grown(input, edges.length)),
                of_each(&|input| texts::counted(input, edges.least_value())[1].clone()),
            ]
        } else {
            let counted = |input: &[u8]| {
                let all = windows::counted(0, input).into_iter();
                all.map(|(bytes, _)| bytes).collect()
            };
            vec![of_each(&counted)]
        }
    }

    /// Variants that differ at each place in turn, by their manner and input.
    fn everywhere(&self, inputs: &[Vec<u8>], others: &[Vec<u8>]) -> Vec<Lists> {
        let words = &self.words;
        let mut all: Vec<Lists> = Vec::new();
        let mut of_each = |make: &dyn Fn(&[u8]) -> Vec<Vec<u8>>| {
            all.push(inputs.iter().map(|input| make(input)).collect());
        };
        if is_text(inputs) {
            of_each(&|input| texts::paths(input, words));
            of_each(&|input| texts::json(input, words));
            of_each(&|input| texts::words(input, words));
            of_each(&texts::counts);
            of_each(&texts::lengths);
            of_each(&texts::more_fields);
            of_each(&texts::lines);
            of_each(&texts::special);
        } else {
            // One half of the room for what looks like a count.
            of_each(&|input| halves(windows::integers(input)[0].clone(), 0));
            of_each(&|input| halves(windows::integers(input)[0].clone(), 1));
            of_each(&windows::pairs);
            of_each(&|input| windows::integers(input)[1].clone());
            of_each(&|input| windows::kinds(input, others));
            of_each(&windows::cuts);
        }
        of_each(&|input| {
            let joined = others
                .iter()
                .flat_map(|other| windows::joined(input, other));
            joined.collect()
        });
        all
    }
}

/// The first of them that are short enough to be varied at every place.
fn fit(inputs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let fitting = inputs.iter().filter(|it| it.len() <= EVERYWHERE_BYTES_MAX);
    fitting.take(INPUTS_MAX).cloned().collect()
}

fn is_text(inputs: &[Vec<u8>]) -> bool {
    inputs.iter().all(|input| mutate::text(input).is_some())
}

/// What is made of each input, one of each in turn: none is left out because another gives more.
fn in_turn(inputs: &[Vec<u8>], make: &dyn Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    taking_turns(inputs.iter().map(|input| make(input)))
}

/// The first of each list, then the second of each, and so on.
fn taking_turns(lists: impl Iterator<Item = Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    let mut lists: Vec<_> = lists.map(Vec::into_iter).collect();
    let mut all = Vec::new();
    while !lists.is_empty() {
        lists.retain_mut(|list| list.next().map(|made| all.push(made)).is_some());
    }
    all
}

fn halves(made: Vec<Vec<u8>>, rest: usize) -> Vec<Vec<u8>> {
    made.into_iter().skip(rest).step_by(2).collect()
}

fn shuffled(mut made: Vec<Vec<u8>>, chance: &mut Chance) -> Vec<Vec<u8>> {
    for at in (1..made.len()).rev() {
        made.swap(at, chance.below(at + 1));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(listed: &[u8], benign: &[u8]) -> Vec<Variant> {
        let sources = Sources {
            listed: vec![listed.to_vec()],
            benign: vec![benign.to_vec()],
            ..Sources::default()
        };
        sources.variants("seed", 300)
    }

    #[test]
    fn variants_are_bounded_unlike_each_other_and_can_be_repeated() {
        for input in [
            &b""[..],
            b"a",
            b"\x00\x01\xff\xfe",
            b"name,name\n",
            &vec![7; 300_000],
        ] {
            let first = made(input, b"x=1\n");
            assert!(first.len() <= 300);
            assert!(
                first
                    .iter()
                    .all(|it| it.bytes.len() <= BYTES_MAX && it.bytes != input)
            );
            assert_eq!(first, made(input, b"x=1\n"));
            let unlike: BTreeSet<_> = first.iter().map(|it| &it.bytes).collect();
            assert_eq!(unlike.len(), first.len());
        }
        assert_eq!(made(b"GET /a?n=10 x", b"GET /").len(), 300);
        assert!(Sources::default().variants("seed", 300).is_empty());
    }

    #[test]
    fn both_kinds_of_inputs_are_varied() {
        let all = made(b"size=99999999\nname=x\n", b"size=1\nname=y\n");
        let near = all.iter().filter(|it| it.is_near).count();
        assert!(near > 100 && all.len() - near > 20);
    }
}
