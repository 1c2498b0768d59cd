//! Foresees a full update: what every package would come to, were each moved as far as
//! it goes. A guess that is made once a plan; who carries it out sees the truth.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use backstitch_model::candidate::{Move, Step};
use backstitch_model::project::Node;
use backstitch_model::{AdvisoryId, Finding, FindingId, FindingKind};
use semver::Version;

use crate::catalogue::{KnownRelease, Need, Package};
use crate::locked::{Locked, needs_of_new};
use crate::recipe::pick;
use crate::rules::{Rules, in_order_of_choice};
use crate::version::{Class, bump, class, is_later};

/// How many packages a foreseen lockfile may hold.
const PACKAGES_MAX: usize = 2_000;

/// A full update, foreseen at most once.
#[derive(Default)]
pub(crate) struct FullUpdate(OnceCell<Option<Foreseen>>);

/// What a full update comes to.
pub(crate) struct Foreseen {
    pub(crate) moves: Vec<Move>,
    pub(crate) steps: Vec<Step>,
    vulnerable: Vulnerable,
}

/// Advisories by package.
type Vulnerable = BTreeMap<String, BTreeSet<AdvisoryId>>;

struct Chosen {
    package: Rc<Package>,
    index: usize,
    need: Need,
}

impl Chosen {
    fn release(&self) -> &KnownRelease {
        &self.package.releases[self.index]
    }
}

impl FullUpdate {
    /// The full update of `locked`; `None` where it breaks a rule or cannot be foreseen.
    pub(crate) fn foresee(
        &self,
        locked: &Locked<'_>,
        rules: &Rules,
        rust: Option<&Version>,
    ) -> Option<&Foreseen> {
        let foresee = || Walk::new(locked, rules, rust).run();
        self.0.get_or_init(foresee).as_ref()
    }
}

impl Foreseen {
    /// The findings that would be gone.
    pub(crate) fn settled(&self, findings: &[Finding]) -> Vec<FindingId> {
        let gone = |finding: &&Finding| {
            let FindingKind::VulnerableDependency(dependency) = &finding.kind;
            let left = self.vulnerable.get(&dependency.package.name);
            finding.is_vulnerability()
                && !left.is_some_and(|left| dependency.ids.iter().any(|id| left.contains(id)))
        };
        let settled = findings.iter().filter(gone);
        settled.map(|finding| finding.id.clone()).collect()
    }
}

struct Walk<'walk, 'given> {
    locked: &'walk Locked<'given>,
    rules: &'walk Rules,
    rust: Option<&'walk Version>,
    queue: VecDeque<Need>,
    packages: BTreeMap<(String, Class), Chosen>,
}

impl<'walk, 'given> Walk<'walk, 'given> {
    fn new(
        locked: &'walk Locked<'given>,
        rules: &'walk Rules,
        rust: Option<&'walk Version>,
    ) -> Self {
        Self {
            locked,
            rules,
            rust,
            queue: VecDeque::new(),
            packages: BTreeMap::new(),
        }
    }

    fn run(mut self) -> Option<Foreseen> {
        self.start()?;
        while let Some(need) = self.queue.pop_front() {
            self.choose(need)?;
            if self.packages.len() > PACKAGES_MAX {
                return None;
            }
        }
        self.conclude()
    }

    /// Everything starts from the project's own manifests; a project with sources
    /// besides the public registry is not foreseen.
    fn start(&mut self) -> Option<()> {
        let graph = &self.locked.project.graph;
        for (node, _) in graph.nodes() {
            if self.locked.is_movable(node) {
                continue;
            }
            let declared = self.locked.declarations.of(self.locked.manifest(node)?);
            let needs = declared.iter().map(|declared| &declared.need);
            let registry: Vec<_> = needs.filter(|need| self.is_of_registry(need)).collect();
            self.queue.extend(registry.into_iter().cloned());
        }
        Some(())
    }

    fn is_of_registry(&self, need: &Need) -> bool {
        let mut nodes = self.locked.named(&need.package).iter();
        nodes.any(|&node| self.locked.is_movable(node))
    }

    /// Chooses what a requirement leads to; `None` where Cargo would have to weigh.
    fn choose(&mut self, need: Need) -> Option<()> {
        let mut chosen = self.packages.values();
        if chosen.any(|chosen| {
            chosen.package.name == need.package && need.version.matches(&chosen.release().version)
        }) {
            return Some(());
        }
        let package = self.locked.catalogue.package(&need.package);
        let picked = self.pick_or_stay(&package, &need)?;
        let index = package.position(&picked)?;
        let release = &package.releases[index];
        let key = (package.name.clone(), class(&release.version));
        if self.packages.contains_key(&key) {
            return None;
        }
        self.queue.extend(needs_of_new(release, &need));
        let package = Rc::clone(&package);
        self.packages.insert(
            key,
            Chosen {
                package,
                index,
                need,
            },
        );
        Some(())
    }

    /// What the rules make of Cargo's choice: what is left alone stays, and what is too
    /// young gives way to the newest that is not.
    fn pick_or_stay(&self, package: &Package, need: &Need) -> Option<Version> {
        if self.rules.leaves_alone(&package.name) {
            let nodes = self.locked.named(&package.name).iter();
            return nodes
                .filter_map(|&node| self.locked.version(node))
                .find(|version| need.version.matches(version))
                .cloned();
        }
        in_order_of_choice(package, &need.version, self.rust)
            .map(|index| &package.releases[index])
            .find(|release| self.rules.takes(release))
            .map(|release| release.version.clone())
    }

    fn conclude(self) -> Option<Foreseen> {
        Some(Foreseen {
            moves: self.moves()?,
            vulnerable: self.vulnerable()?,
            steps: self.steps(),
        })
    }

    /// What moves; `None` where something would go down or too far.
    fn moves(&self) -> Option<Vec<Move>> {
        let mut moves = Vec::new();
        for (node, package) in self.locked.project.graph.nodes() {
            let Some(chosen) = self.successor(node) else {
                continue;
            };
            let (locked, to) = (self.locked.version(node)?, &chosen.release().version);
            if is_later(locked, to) || bump(locked, to) > self.rules.bump_max {
                return None;
            }
            if is_later(to, locked) {
                moves.push(Move {
                    package: package.id.clone(),
                    to: to.to_string(),
                    bump: bump(locked, to),
                });
            }
        }
        Some(moves)
    }

    /// What takes a locked package's place in its class.
    fn successor(&self, node: Node) -> Option<&Chosen> {
        let class = class(self.locked.version(node)?);
        let key = (self.locked.name(node).to_owned(), class);
        let is_movable = self.locked.is_movable(node);
        is_movable.then(|| self.packages.get(&key))?
    }

    /// The vulnerabilities that are left, by package; `None` where one would be new.
    fn vulnerable(&self) -> Option<Vulnerable> {
        let catalogue = &self.locked.catalogue;
        let mut vulnerable = Vulnerable::new();
        for ((name, class), chosen) in &self.packages {
            let left = catalogue.vulnerabilities(name, chosen.release());
            if !left.is_subset(&self.vulnerabilities_before(name, *class)) {
                return None;
            }
            let all = vulnerable.entry(name.clone()).or_default();
            all.extend(left.iter().cloned());
        }
        Some(vulnerable)
    }

    fn vulnerabilities_before(&self, name: &str, wanted: Class) -> BTreeSet<AdvisoryId> {
        let nodes = self.locked.named(name).iter();
        nodes
            .filter(|&&node| self.locked.version(node).map(class) == Some(wanted))
            .flat_map(|&node| {
                let version = &self.locked.project.graph.package(node).id.version;
                self.locked.catalogue.vulnerabilities_at(name, version)
            })
            .collect()
    }

    /// The full update, then a step back for each package where Cargo goes too far.
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::UpdateEverything];
        for chosen in self.packages.values() {
            let picked = pick(&chosen.package, &chosen.need.version, self.rust);
            let to = &chosen.release().version;
            let Some(picked) = picked.filter(|picked| picked.version != *to) else {
                continue;
            };
            steps.push(Step::UpdatePackage {
                package: backstitch_model::package::PackageVersion {
                    ecosystem: backstitch_model::package::Ecosystem::CratesIo,
                    name: chosen.package.name.clone(),
                    version: picked.version.to_string(),
                },
                to: Some(to.to_string()),
            });
        }
        steps
    }
}
