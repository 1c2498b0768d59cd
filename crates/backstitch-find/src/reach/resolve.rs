//! Works out which packages are built, with features resolved as Cargo does
//! (<https://doc.rust-lang.org/cargo/reference/features.html>, and for the resolver's
//! versions <https://doc.rust-lang.org/cargo/reference/resolver.html#features>).
//!
//! Features only ever add, so one list of pending events is worked off, each event once:
//! linear in what the packages state, whatever cycles they make.
//!
//! A procedural macro runs on the host too, but no file at hand says which packages are
//! one; its features are taken for the target's. That can only make more seem built.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::project::{DependencyKind, Node, Requirement};

use super::facts::{Edge, Facts};
use super::platform::Platform;

/// How to take what nobody states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    /// Nothing is built that is not known to be.
    Known,
    /// Everything is built that could be, with every feature.
    Possible,
}

/// The platforms that are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platforms {
    /// This one.
    Only(Platform),
    /// Any that some package has a dependency for.
    Every,
}

/// For each package: is it built when the workspace's members are, tests included, with
/// their default features?
pub(super) fn built(facts: &Facts, belief: Belief, platforms: Platforms) -> Vec<bool> {
    // Resolver 1 unites the features that any platform asks for, and then builds for one.
    let feature_platforms = if facts.unified {
        Platforms::Every
    } else {
        platforms
    };
    let mut resolution = Resolution::new(facts, belief, feature_platforms);
    resolution.run();
    resolution.built_on(platforms)
}

/// A package as built for the target, or for the machine that builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    node: Node,
    for_host: bool,
}

impl Unit {
    /// A number of its own: two units a package.
    fn place(self) -> usize {
        self.node.0 * 2 + usize::from(self.for_host)
    }
}

/// What is turned on in one unit.
#[derive(Debug, Default)]
struct State {
    features: BTreeSet<String>,
    /// Optional dependencies that are on, by their key.
    dependencies: BTreeSet<String>,
    /// Features asked of a dependency through `key/feature`, by its key.
    passed_on: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Debug)]
enum Event {
    Build(Unit),
    Everything(Unit),
    Feature(Unit, String),
    Dependency(Unit, String),
    PassOn(Unit, String, String),
}

struct Resolution<'facts> {
    facts: &'facts Facts,
    belief: Belief,
    platforms: Platforms,
    /// Units that are built, by their place.
    built: Vec<bool>,
    /// Units of which everything that could be asked for is on, by their place.
    everything: Vec<bool>,
    /// Only of units whose package is known.
    states: BTreeMap<Unit, State>,
    pending: Vec<Event>,
}

impl<'facts> Resolution<'facts> {
    fn new(facts: &'facts Facts, belief: Belief, platforms: Platforms) -> Self {
        let mut resolution = Self {
            facts,
            belief,
            platforms,
            built: vec![false; facts.len() * 2],
            everything: vec![false; facts.len() * 2],
            states: BTreeMap::new(),
            pending: Vec::new(),
        };
        for &node in facts.members() {
            let unit = Unit {
                node,
                for_host: false,
            };
            resolution.pending.push(Event::Build(unit));
            resolution
                .pending
                .push(Event::Feature(unit, "default".into()));
        }
        resolution
    }

    fn run(&mut self) {
        while let Some(event) = self.pending.pop() {
            match event {
                Event::Build(unit) => self.build(unit),
                Event::Everything(unit) => self.everything(unit),
                Event::Feature(unit, feature) => self.feature(unit, feature),
                Event::Dependency(unit, key) => self.dependency(unit, key),
                Event::PassOn(unit, key, feature) => self.pass_on(unit, key, feature),
            }
        }
    }

    fn state(&mut self, unit: Unit) -> &mut State {
        self.states.entry(unit).or_default()
    }

    fn build(&mut self, unit: Unit) {
        if std::mem::replace(&mut self.built[unit.place()], true) {
            return;
        }
        for edge in self.edges(unit.node) {
            match &edge.requirement {
                Some(requirement) if requirement.optional => {}
                Some(requirement) => self.enter(unit, edge, requirement),
                None => self.enter_unexplained(edge),
            }
        }
    }

    fn edges(&self, node: Node) -> &'facts [Edge] {
        self.facts.of(node).map_or(&[], |package| &package.edges)
    }

    /// Follows a dependency that is on, where it is for a platform that is built for.
    fn enter(&mut self, unit: Unit, edge: &Edge, requirement: &'facts Requirement) {
        if !self.applies(requirement) {
            return;
        }
        let child = self.child(unit, edge, requirement);
        self.pending.push(Event::Build(child));
        if requirement.default_features {
            self.pending.push(Event::Feature(child, "default".into()));
        }
        for feature in &requirement.features {
            self.pending.push(Event::Feature(child, feature.clone()));
        }
        let passed_on = self.state(unit).passed_on.get(&requirement.key).cloned();
        for feature in passed_on.into_iter().flatten() {
            self.pending.push(Event::Feature(child, feature));
        }
    }

    /// Nobody says what this dependency is for: perhaps it is built, with any feature,
    /// on either side.
    fn enter_unexplained(&mut self, edge: &Edge) {
        if self.belief == Belief::Known {
            return;
        }
        for for_host in [false, true] {
            let child = Unit {
                node: edge.to,
                for_host,
            };
            self.pending.push(Event::Build(child));
            self.pending.push(Event::Everything(child));
        }
    }

    /// Resolver 1 knows one set of features; later ones keep what runs while building
    /// apart, with everything below it.
    fn child(&self, unit: Unit, edge: &Edge, requirement: &Requirement) -> Unit {
        let for_host = unit.for_host || requirement.kind == DependencyKind::Build;
        Unit {
            node: edge.to,
            for_host: for_host && !self.facts.unified,
        }
    }

    fn applies(&self, requirement: &Requirement) -> bool {
        applies(self.platforms, self.belief, requirement)
    }

    fn everything(&mut self, unit: Unit) {
        if std::mem::replace(&mut self.everything[unit.place()], true) {
            return;
        }
        let Some(package) = self.facts.of(unit.node) else {
            return;
        };
        for feature in package.features.keys() {
            self.pending.push(Event::Feature(unit, feature.clone()));
        }
        for requirement in package
            .edges
            .iter()
            .filter_map(|edge| edge.requirement.as_deref())
        {
            if requirement.optional {
                self.pending
                    .push(Event::Dependency(unit, requirement.key.clone()));
            }
        }
    }

    fn feature(&mut self, unit: Unit, feature: String) {
        let Some(package) = self
            .facts
            .of(unit.node)
            .filter(|package| package.is_known())
        else {
            return;
        };
        if self.state(unit).features.contains(&feature) {
            return;
        }
        match package.features.get(&feature) {
            Some(values) => values.iter().for_each(|value| self.value(unit, value)),
            None if package.implicit.contains(&feature) => {
                self.pending.push(Event::Dependency(unit, feature.clone()));
            }
            None => {}
        }
        self.state(unit).features.insert(feature);
    }

    /// One value of a feature: `dep:key`, `key/feature`, `key?/feature` or a feature.
    fn value(&mut self, unit: Unit, value: &str) {
        if let Some(key) = value.strip_prefix("dep:") {
            self.pending.push(Event::Dependency(unit, key.to_owned()));
            return;
        }
        let Some((key, feature)) = value.split_once('/') else {
            self.pending.push(Event::Feature(unit, value.to_owned()));
            return;
        };
        let (key, is_weak) = match key.strip_suffix('?') {
            Some(key) => (key, true),
            None => (key, false),
        };
        if !is_weak {
            self.pending.push(Event::Dependency(unit, key.to_owned()));
            // From before weak dependencies: a feature of the same name is turned on too.
            self.pending.push(Event::Feature(unit, key.to_owned()));
        }
        self.pending
            .push(Event::PassOn(unit, key.to_owned(), feature.to_owned()));
    }

    fn dependency(&mut self, unit: Unit, key: String) {
        if self.state(unit).dependencies.contains(&key) {
            return;
        }
        for (edge, requirement) in self.keyed(unit.node, &key) {
            if requirement.optional {
                self.enter(unit, edge, requirement);
            }
        }
        self.state(unit).dependencies.insert(key);
    }

    fn pass_on(&mut self, unit: Unit, key: String, feature: String) {
        for (edge, requirement) in self.keyed(unit.node, &key) {
            let is_on = !requirement.optional || self.state(unit).dependencies.contains(&key);
            if is_on && self.applies(requirement) {
                let child = self.child(unit, edge, requirement);
                self.pending.push(Event::Feature(child, feature.clone()));
            }
        }
        self.state(unit)
            .passed_on
            .entry(key)
            .or_default()
            .insert(feature);
    }

    fn keyed(&self, node: Node, key: &str) -> Vec<(&'facts Edge, &'facts Requirement)> {
        let package = self.facts.of(node);
        package
            .into_iter()
            .flat_map(|package| package.keyed(key))
            .collect()
    }

    /// The packages that a build for `platforms` reaches with the features worked out.
    fn built_on(&self, platforms: Platforms) -> Vec<bool> {
        let mut built = vec![false; self.facts.len()];
        let mut stack = self.facts.members().to_vec();
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut built[node.0], true) {
                continue;
            }
            let units = [false, true].map(|for_host| Unit { node, for_host });
            for edge in self.edges(node) {
                let is_on = match &edge.requirement {
                    None => self.belief == Belief::Possible,
                    Some(requirement) => {
                        applies(platforms, self.belief, requirement)
                            && units.iter().any(|unit| self.asks_for(*unit, requirement))
                    }
                };
                if is_on {
                    stack.push(edge.to);
                }
            }
        }
        built
    }

    /// Is the unit built, with this dependency on?
    fn asks_for(&self, unit: Unit, requirement: &Requirement) -> bool {
        let is_on = || {
            let state = self.states.get(&unit);
            state.is_some_and(|state| state.dependencies.contains(&requirement.key))
        };
        self.built[unit.place()] && (!requirement.optional || is_on())
    }
}

/// Is the requirement for a platform that is built for? An expression that cannot be read
/// may be.
fn applies(platforms: Platforms, belief: Belief, requirement: &Requirement) -> bool {
    match (platforms, &requirement.target) {
        (Platforms::Every, _) | (Platforms::Only(_), None) => true,
        (Platforms::Only(platform), Some(target)) => {
            platform.holds(target).unwrap_or(belief == Belief::Possible)
        }
    }
}
