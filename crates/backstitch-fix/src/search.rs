//! Owns the search: from the lockfile as it is, one decision after another, cheapest
//! first, until nothing conflicts. Bounded, because what it reads is anybody's.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use backstitch_model::candidate::Strategy;
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;

use crate::goal::Goal;
use crate::locked::Locked;
use crate::repair::Repair;
use crate::resolution;
use crate::rules::Rules;
use crate::state::{Conflict, Outcome, State};
use crate::version::bump;

/// How many states one search looks at.
const STATES_MAX: usize = 600;

/// How many more once it has found something, for something else to try.
const STATES_MORE_MAX: usize = 150;

/// What following one state costs of the effort granted.
const STATE_COST: usize = 20;

/// How many packages one candidate may move.
const MOVED_MAX: usize = 24;

/// What is searched, and how far a solution may go.
pub(crate) struct Search<'search, 'given> {
    pub(crate) locked: &'search Locked<'given>,
    pub(crate) rules: &'search Rules,
    pub(crate) goal: &'search Goal,
    pub(crate) strategy_max: Strategy,
    /// The packages that the goal is reached from.
    above: BTreeSet<Node>,
}

/// A state without conflicts.
pub(crate) struct Solution {
    pub(crate) state: State,
    pub(crate) outcome: Outcome,
    pub(crate) strategy: Strategy,
}

/// What orders states: the riskier way last, then what moves more, counting what must
/// still move, and a nearer line of releases passed over like a package moved; of equals who is nearer the end, so that one way is followed to it before
/// another is tried; then what moves farther, then what brings more in, then who came later.
type Cost = (Strategy, usize, usize, usize, usize, usize);

struct Frontier {
    queue: BinaryHeap<Reverse<(Cost, usize)>>,
    waiting: Vec<Option<(State, Outcome, Strategy)>>,
    seen: BTreeSet<State>,
}

impl<'search, 'given> Search<'search, 'given> {
    pub(crate) fn new(
        locked: &'search Locked<'given>,
        rules: &'search Rules,
        goal: &'search Goal,
        strategy_max: Strategy,
    ) -> Self {
        let graph = &locked.project.graph;
        let ancestors = goal.nodes.iter().flat_map(|&node| graph.ancestors(node));
        let above = ancestors
            .filter(|node| !goal.nodes.contains(node))
            .collect();
        Self {
            locked,
            rules,
            goal,
            strategy_max,
            above,
        }
    }

    /// The solutions that `wanted` takes, cheapest first, at most `count`.
    pub(crate) fn run(
        &self,
        count: usize,
        mut wanted: impl FnMut(&Solution) -> bool,
    ) -> Vec<Solution> {
        let mut frontier = Frontier {
            queue: BinaryHeap::new(),
            waiting: Vec::new(),
            seen: BTreeSet::new(),
        };
        let mut solutions = Vec::new();
        self.push(&mut frontier, State::default());
        let mut states_max = STATES_MAX;
        while let Some(Reverse((_, index))) = frontier.queue.pop() {
            let Some((state, outcome, strategy)) = frontier.waiting[index].take() else {
                continue;
            };
            if !self.locked.catalogue.effort.pay(STATE_COST) {
                break;
            }
            if outcome.conflicts.is_empty() {
                let solution = Solution {
                    state,
                    outcome,
                    strategy,
                };
                if wanted(&solution) {
                    states_max = states_max.min(frontier.seen.len() + STATES_MORE_MAX);
                    solutions.push(solution);
                }
                if solutions.len() == count {
                    break;
                }
                continue;
            }
            self.expand(&mut frontier, states_max, &state, &outcome);
        }
        solutions
    }

    fn expand(&self, frontier: &mut Frontier, states_max: usize, state: &State, outcome: &Outcome) {
        let repair = Repair {
            locked: self.locked,
            rules: self.rules,
            goal: self.goal,
            strategy_max: self.strategy_max,
            judged: RefCell::default(),
        };
        let mut conflicts = outcome.conflicts.iter();
        let Some(conflict) = conflicts.find(|conflict| !self.waits(state, outcome, conflict))
        else {
            return;
        };
        for answer in repair.answers(state, outcome, conflict) {
            if frontier.seen.len() < states_max && answer.moved.len() <= MOVED_MAX {
                self.push(frontier, answer);
            }
        }
    }

    /// Is everybody who holds the package given up already, so that they go first?
    fn waits(&self, state: &State, outcome: &Outcome, conflict: &Conflict) -> bool {
        let Conflict::Unsettled(node) = conflict else {
            return false;
        };
        let parents = self.locked.project.graph.parents(*node).iter();
        let mut live = parents
            .filter(|parent| outcome.live.contains(parent))
            .peekable();
        live.peek().is_some() && live.all(|parent| state.doomed.contains(parent))
    }

    fn push(&self, frontier: &mut Frontier, state: State) {
        if !frontier.seen.insert(state.clone()) {
            return;
        }
        let strategy = self.strategy(&state);
        let outcome = resolution::outcome(&state, self.locked, self.rules, self.goal);
        if strategy > self.strategy_max || outcome.is_hopeless() {
            return;
        }
        let index = frontier.waiting.len();
        let decided = state.moved.len() + state.edits.len() + state.doomed.len();
        let changed = decided + state.passed_over + self.replaced(&outcome);
        let left = outcome.moves_left(&state);
        let brought_in = outcome.added.len();
        let cost = (
            strategy,
            changed + left,
            left,
            state.distance,
            brought_in,
            index,
        );
        frontier.waiting.push(Some((state, outcome, strategy)));
        frontier.queue.push(Reverse((cost, index)));
    }

    /// How many packages come in anew in another class: they change as much as one that
    /// moves does. A package that is quite new changes nothing that was there.
    fn replaced(&self, outcome: &Outcome) -> usize {
        let mut names: Vec<_> = outcome.added.keys().map(|(name, _)| name).collect();
        names.dedup();
        names.retain(|name| !self.locked.named(name).is_empty());
        names.len()
    }

    /// How the state does what it does.
    fn strategy(&self, state: &State) -> Strategy {
        let breaking = state.edits.values().any(|edit| {
            let locked = self.locked.version(edit.node);
            locked.is_none_or(|locked| bump(locked, &edit.to) == Bump::Breaking)
        });
        if breaking {
            Strategy::Breaking
        } else if !state.edits.is_empty() {
            Strategy::Requirement
        } else if !state.doomed.is_empty()
            || state.moved.keys().any(|node| self.above.contains(node))
        {
            Strategy::Parent
        } else {
            Strategy::Lockfile
        }
    }
}
