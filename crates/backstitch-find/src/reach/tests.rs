//! Resolver cases, each a project in a few lines.

use backstitch_model::finding::{Compiled, Reach};
use backstitch_model::project::DependencyKind;

use super::*;
use crate::findings::findings;
use crate::testing::{Registry, dependency, index_on, project_of};

/// A project whose own package is `app`, with a registry.
struct Case {
    lockfile: &'static str,
    manifest: String,
    registry: Option<Registry>,
}

fn case(lockfile: &'static str, manifest: &str, registry: &[&str]) -> Case {
    Case {
        lockfile,
        manifest: format!("[package]\nname = \"app\"\nversion = \"0.1.0\"\n{manifest}"),
        registry: Some(Registry::new(registry)),
    }
}

impl Case {
    fn without_registry(self) -> Self {
        Self {
            registry: None,
            ..self
        }
    }

    fn reach(&self, package: &str) -> Reach {
        self.reach_among(package, &[])
    }

    fn reach_among(&self, package: &str, manifests: &[(&str, &str)]) -> Reach {
        let mut all = vec![("Cargo.toml", self.manifest.as_str())];
        all.extend(manifests);
        let project = project_of(self.lockfile, &all);
        let surroundings = Surroundings {
            releases: self.registry.as_ref().map(|registry| registry as _),
            platform: Platform::of_triple("x86_64-unknown-linux-gnu").unwrap(),
        };
        let scan = findings(&project, &index_on(&[package]), surroundings).unwrap();
        dependency(&scan.findings[0]).reach.clone()
    }

    #[track_caller]
    fn is(&self, package: &str, expected: &Compiled) {
        assert_eq!(self.reach(package).compiled, *expected, "{package}");
    }
}

const A_B: &str = "app: a
    a 1.0.0: b
    b 1.0.0:";

#[test]
fn a_plain_dependency_is_built_and_an_optional_one_is_opt_in() {
    let plain = case(
        A_B,
        "[dependencies]\na = \"1\"\n",
        &["a 1.0.0\n[dependencies]\nb = \"1\"\n"],
    );
    plain.is("a", &Compiled::Yes);
    plain.is("b", &Compiled::Yes);
    let optional = "[dependencies]\na = { version = \"1\", optional = true }\n";
    let registry = ["a 1.0.0\n[dependencies]\nb = \"1\"\n"];
    case(A_B, optional, &registry).is("b", &Compiled::OptIn);
    for features in [
        "default = [\"a\"]",
        "default = [\"x\"]\nx = [\"dep:a\"]",
        "default = [\"a/y\"]",
    ] {
        let manifest = format!("{optional}[features]\n{features}\n");
        case(A_B, &manifest, &registry).is("b", &Compiled::Yes);
    }
    for features in [
        "x = [\"dep:a\"]",
        "default = [\"a?/y\"]",
        "default = []\nx = [\"a\"]",
    ] {
        let manifest = format!("{optional}[features]\n{features}\n");
        case(A_B, &manifest, &registry).is("b", &Compiled::OptIn);
    }
}

#[test]
fn features_of_published_packages_are_followed() {
    let a = "a 1.0.0\n[dependencies]\nb = { version = \"1\", optional = true }\n[features]\n";
    let built = |dependency: &str, features: &str, expected: Compiled| {
        let manifest = format!("[dependencies]\na = {dependency}\n");
        let registry = [format!("{a}{features}")];
        let registry: Vec<&str> = registry.iter().map(String::as_str).collect();
        case(A_B, &manifest, &registry).is("b", &expected);
    };
    let (plain, bare) = ("\"1\"", "{ version = \"1\", default-features = false }");
    let asks = "{ version = \"1\", features = [\"b\"] }";
    built(plain, "default = [\"b\"]", Compiled::Yes);
    built(bare, "default = [\"b\"]", Compiled::OptIn);
    built(plain, "", Compiled::OptIn);
    built(asks, "", Compiled::Yes);
    // `dep:` hides the implicit feature, so that asking for it turns nothing on.
    built(asks, "x = [\"dep:b\"]", Compiled::OptIn);
    built(asks, "b = [\"dep:b\"]", Compiled::Yes);
}

#[test]
fn a_weak_feature_is_passed_on_only_to_what_is_on() {
    let lockfile = "app: a
        a 1.0.0: b
        b 1.0.0: c
        c 1.0.0:";
    let b = "b 1.0.0\n[dependencies]\nc = { version = \"1\", optional = true }\n";
    let a = |default: &str| {
        format!(
            "a 1.0.0\n[dependencies]\nb = {{ version = \"1\", optional = true }}\n\
             [features]\ndefault = [{default}]\nuse-b = [\"dep:b\"]\nweak = [\"b?/c\"]\n"
        )
    };
    let check = |default: &str, expected: Compiled| {
        case(lockfile, "[dependencies]\na = \"1\"\n", &[&a(default), b]).is("c", &expected);
    };
    check("\"weak\"", Compiled::OptIn);
    check("\"use-b\"", Compiled::OptIn);
    check("\"weak\", \"use-b\"", Compiled::Yes);
    check("\"use-b\", \"weak\"", Compiled::Yes);
}

#[test]
fn a_dependency_for_another_platform_is_not_built_here() {
    let manifest = "[target.'cfg(windows)'.dependencies]\na = \"1\"\n";
    let registry = ["a 1.0.0\n[dependencies]\nb = \"1\"\n"];
    case(A_B, manifest, &registry).is("b", &Compiled::OtherPlatform);
    case(A_B, manifest, &registry)
        .without_registry()
        .is("b", &Compiled::OtherPlatform);
    let below = ["a 1.0.0\n[target.x86_64-pc-windows-msvc.dependencies]\nb = \"1\"\n"];
    let plain = "[dependencies]\na = \"1\"\n";
    case(A_B, plain, &below).is("b", &Compiled::OtherPlatform);
    let here = ["a 1.0.0\n[target.'cfg(target_os = \"linux\")'.dependencies]\nb = \"1\"\n"];
    case(A_B, plain, &here).is("b", &Compiled::Yes);
    let odd = ["a 1.0.0\n[target.'cfg(((' .dependencies]\nb = \"1\"\n"];
    assert!(matches!(
        case(A_B, plain, &odd).reach("b").compiled,
        Compiled::Unknown(_)
    ));
}

#[test]
fn resolver_1_unites_features_that_later_ones_keep_apart() {
    let manifest = |resolver: &str| {
        format!(
            "resolver = \"{resolver}\"\n[dependencies]\na = \"1\"\n\
             [target.'cfg(windows)'.dependencies]\na = {{ version = \"1\", features = [\"b\"] }}\n"
        )
    };
    let registry = ["a 1.0.0\n[dependencies]\nb = { version = \"1\", optional = true }\n"];
    case(A_B, &manifest("1"), &registry).is("b", &Compiled::Yes);
    case(A_B, &manifest("2"), &registry).is("b", &Compiled::OtherPlatform);
}

#[test]
fn what_runs_while_building_has_features_of_its_own_from_resolver_2_on() {
    let lockfile = "app: a
        a 1.0.0: b
        b 1.0.0: c
        c 1.0.0:";
    let manifest = |resolver: &str| {
        format!(
            "resolver = \"{resolver}\"\n\
             [dependencies]\na = {{ version = \"1\", features = [\"use-b\"] }}\n\
             [build-dependencies]\na = {{ version = \"1\", features = [\"weak\"] }}\n"
        )
    };
    let registry = [
        "a 1.0.0\n[dependencies]\nb = { version = \"1\", optional = true }\n\
         [features]\nuse-b = [\"dep:b\"]\nweak = [\"b?/c\"]\n",
        "b 1.0.0\n[dependencies]\nc = { version = \"1\", optional = true }\n",
    ];
    case(lockfile, &manifest("1"), &registry).is("c", &Compiled::Yes);
    case(lockfile, &manifest("2"), &registry).is("c", &Compiled::OptIn);
    case(lockfile, &manifest("2"), &registry).is("b", &Compiled::Yes);
}

#[test]
fn renamed_dependencies_and_several_versions_are_told_apart() {
    let lockfile = "app: a@1.0.0 a@2.0.0
        a 1.0.0: b
        a 2.0.0: c
        b 1.0.0:
        c 1.0.0:";
    let manifest =
        "[dependencies]\na = \"1\"\nnew = { package = \"a\", version = \"2\", optional = true }\n";
    let case = |features: &str| {
        let manifest = format!("{manifest}[features]\n{features}");
        let mut case = case(
            lockfile,
            &manifest,
            &["a 1.0.0\n[dependencies]\nb = \"1\"\n"],
        );
        case.registry = None;
        case
    };
    case("").is("c", &Compiled::OptIn);
    assert!(matches!(case("").reach("b").compiled, Compiled::Unknown(_)));
    assert!(matches!(
        case("default = [\"dep:new\"]").reach("c").compiled,
        Compiled::Unknown(_)
    ));
}

#[test]
fn what_the_files_at_hand_do_not_tell_is_unknown_with_the_reason() {
    let plain = || case(A_B, "[dependencies]\na = \"1\"\n", &[]);
    let why = |case: Case| match case.reach("b").compiled {
        Compiled::Unknown(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(plain()).contains("it is not in the test's registry"));
    assert!(why(plain().without_registry()).contains("the features of `a`, is not at hand"));
    let stale = case(A_B, "[dependencies]\na = \"1\"\n", &["a 2.0.0\n"]);
    assert!(why(stale).contains("does not have `a` at 1.0.0"));
    // What the manifests alone prove needs no registry.
    plain().without_registry().is("a", &Compiled::Yes);
    let git = case(
        "app: g\ng 1.0.0 git: b\nb 1.0.0:",
        "[dependencies]\ng = { git = \"x\" }\n",
        &[],
    );
    assert!(why(git).contains("the public registry does not tell the features of `g`"));
    let unlisted = case(A_B, "", &["a 1.0.0\n[dependencies]\nb = \"1\"\n"]);
    assert!(matches!(unlisted.reach("a").compiled, Compiled::Unknown(_)));
}

#[test]
fn only_the_root_is_a_member_where_there_is_no_workspace() {
    let lockfile = "app: own
        own: a
        a 1.0.0:";
    let own = "[package]\nname = \"own\"\nversion = \"0.1.0\"\n\
        [dependencies]\na = { version = \"1\", optional = true }\n[features]\ndefault = [\"a\"]\n";
    let manifest = "[dependencies]\nown = { path = \"own\", default-features = false }\n";
    let alone = case(lockfile, manifest, &[]);
    let files = [("own/Cargo.toml", own)];
    assert_eq!(alone.reach_among("a", &files).compiled, Compiled::OptIn);
    let workspace = case(lockfile, &format!("{manifest}[workspace]\n"), &[]);
    assert_eq!(workspace.reach_among("a", &files).compiled, Compiled::Yes);
}

#[test]
fn the_kind_is_the_strongest_use_and_a_chain_is_as_weak_as_its_weakest_part() {
    let lockfile = "app: a t
        a 1.0.0: b c
        b 1.0.0:
        c 1.0.0:
        t 1.0.0: c d
        d 1.0.0:";
    let manifest = "[dependencies]\na = \"1\"\n[dev-dependencies]\nt = \"1\"\n";
    let registry = [
        "a 1.0.0\n[dependencies]\nc = \"1\"\n[build-dependencies]\nb = \"1\"\n",
        "t 1.0.0\n[dependencies]\nc = \"1\"\n[build-dependencies]\nd = \"1\"\n",
    ];
    let case = case(lockfile, manifest, &registry);
    for (package, kind) in [
        ("a", DependencyKind::Normal),
        ("b", DependencyKind::Build),
        ("c", DependencyKind::Normal),
        ("t", DependencyKind::Dev),
        ("d", DependencyKind::Dev),
    ] {
        assert_eq!(case.reach(package).kind, kind, "{package}");
        case.is(package, &Compiled::Yes);
    }
}

#[test]
fn the_path_is_a_shortest_one_and_cycles_do_no_harm() {
    let lockfile = "app: long short
        long 1.0.0: mid
        mid 1.0.0: end
        short 1.0.0: end mid
        end 1.0.0: long
        lost 1.0.0: end";
    let case = case(lockfile, "", &[]);
    let path = |package: &str| -> Vec<String> {
        let reach = case.reach(package);
        reach
            .path
            .iter()
            .map(|package| package.name.clone())
            .collect()
    };
    assert_eq!(path("end"), ["app", "short", "end"]);
    assert_eq!(path("long"), ["app", "long"]);
    assert!(path("lost").is_empty());
    assert!(case.reach("long").direct);
    assert!(!case.reach("end").direct);
    assert!(!case.reach("lost").direct);
}
