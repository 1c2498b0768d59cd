//! Small lockfiles of every kind, each written by its test.

use backstitch_model::RelPath;
use backstitch_model::project::Source;
use proptest::prelude::*;

use super::*;

fn own(folder: &str, manifest: &str) -> Own {
    let path = RelPath::new("package.json").unwrap();
    let manifest = manifest::parse(path, manifest.to_owned()).unwrap().manifest;
    Own {
        folder: folder.to_owned(),
        manifest: Some(manifest),
    }
}

fn linked(format: LockFormat, text: &str, own: &[Own]) -> Linked {
    parse(format, text.as_bytes()).unwrap().link(own)
}

/// One line a package: what it is, where from, and what it depends on.
fn lines(linked: &Linked) -> Vec<String> {
    let graph = &linked.graph;
    let packages = graph.packages().iter();
    let mut lines: Vec<_> = packages
        .map(|package| {
            let source = match &package.source {
                Source::Local => " own",
                Source::PublicRegistry => "",
                Source::OtherRegistry(_) => " other",
                Source::Git(_) => " git",
            };
            let bundled = if package.installation.bundled {
                " bundled"
            } else {
                ""
            };
            let needs: String = package
                .dependencies
                .iter()
                .map(|&node| format!(" {}", graph.package(node).id))
                .collect();
            format!("{}{source}{bundled}:{needs}", package.id)
        })
        .collect();
    lines.sort();
    lines
}

const PUBLIC: &str = "https://registry.npmjs.org";

#[test]
fn copies_of_one_release_are_one_package_and_names_are_found_as_node_finds_them() {
    let lock = format!(
        r#"{{"lockfileVersion": 3, "packages": {{
        "": {{"name": "app", "dependencies": {{"a": "^1", "b": "^1"}}, "devDependencies": {{"c": "1"}}}},
        "node_modules/a": {{"version": "1.0.0", "resolved": "{PUBLIC}/a/-/a-1.0.0.tgz", "integrity": "sha512-x",
            "dependencies": {{"d": "^2"}}, "peerDependencies": {{"b": "*", "gone": "*"}}}},
        "node_modules/a/node_modules/d": {{"version": "2.0.0"}},
        "node_modules/b": {{"version": "1.1.0", "dependencies": {{"d": "^1"}}}},
        "node_modules/c": {{"version": "1.0.0", "dev": true, "optionalDependencies": {{"d": "^2"}}}},
        "node_modules/c/node_modules/d": {{"version": "2.0.0"}},
        "node_modules/d": {{"version": "1.5.0"}}
        }}}}"#
    );
    let linked = linked(LockFormat::Npm, &lock, &[own("", r#"{"name": "app"}"#)]);
    assert_eq!(
        lines(&linked),
        [
            "a@1.0.0: d@2.0.0 b@1.1.0",
            "app@0.0.0 own: a@1.0.0 b@1.1.0 c@1.0.0",
            "b@1.1.0: d@1.5.0",
            "c@1.0.0: d@2.0.0",
            "d@1.5.0:",
            "d@2.0.0:",
        ]
    );
    assert_eq!(linked.problems, Vec::<String>::new());
    let checksums: Vec<_> = linked.graph.packages().iter().collect();
    assert_eq!(checksums[1].checksum.as_deref(), Some("sha512-x"));
}

#[test]
fn aliases_have_their_real_name_and_what_is_from_elsewhere_is_told() {
    let lock = format!(
        r#"{{"lockfileVersion": 2, "packages": {{
        "": {{"name": "app", "dependencies": {{"nick": "npm:real@^1", "w": "*", "g": "github:o/g", "f": "*",
            "lodash": "*", "carrier": "*"}}}},
        "node_modules/nick": {{"name": "real", "version": "1.2.0", "resolved": "{PUBLIC}/real/-/real-1.2.0.tgz"}},
        "node_modules/w": {{"resolved": "packages/w", "link": true}},
        "packages/w": {{"version": "0.3.0", "dependencies": {{"nick": "*", "g": "*"}}}},
        "node_modules/g": {{"version": "1.0.0", "resolved": "git+ssh://git@github.com/o/g.git#abc"}},
        "node_modules/f": {{"version": "1.0.0", "resolved": "https://npm.example/f/-/f-1.0.0.tgz"}},
        "node_modules/lodash": {{"version": "4.0.0", "resolved": "{PUBLIC}/evil/-/evil-4.0.0.tgz"}},
        "node_modules/carrier": {{"version": "1.0.0", "dependencies": {{"in": "1"}}}},
        "node_modules/carrier/node_modules/in": {{"version": "1.0.0", "inBundle": true}}
        }}}}"#
    );
    let root = own("", r#"{"name": "app"}"#);
    let workspace = own("packages/w", r#"{"name": "@app/w", "version": "0.3.0"}"#);
    let linked = linked(LockFormat::Npm, &lock, &[root, workspace]);
    assert_eq!(
        lines(&linked),
        [
            "@app/w@0.3.0 own: g@1.0.0 real@1.2.0",
            "app@0.0.0 own: @app/w@0.3.0 carrier@1.0.0 f@1.0.0 g@1.0.0 lodash@4.0.0 real@1.2.0",
            "carrier@1.0.0: in@1.0.0",
            "f@1.0.0 other:",
            "g@1.0.0 git:",
            "in@1.0.0 bundled:",
            "lodash@4.0.0 other:",
            "real@1.2.0:",
        ]
    );
    let told = linked.problems.join("\n");
    for part in [
        "`npm.example`",
        "a repository",
        "the archive of another package",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn version_1_nests_its_packages_and_leaves_the_root_to_the_manifest() {
    let lock = format!(
        r#"{{"name": "app", "lockfileVersion": 1, "requires": true, "dependencies": {{
        "a": {{"version": "1.0.0", "resolved": "{PUBLIC}/a/-/a-1.0.0.tgz", "requires": {{"b": "^2"}},
            "dependencies": {{"b": {{"version": "2.0.0", "bundled": true}}}}}},
        "b": {{"version": "1.0.0", "dev": true}},
        "nick": {{"version": "npm:real@1.0.0"}},
        "g": {{"version": "git+https://example.org/g.git#abc", "from": "g@git+https://example.org/g.git"}}
        }}}}"#
    );
    let manifest = r#"{"name": "app", "version": "1.0.0", "dependencies": {"a": "^1", "nick": "npm:real@1"},
        "devDependencies": {"b": "1"}, "peerDependencies": {"gone": "*"}}"#;
    let read = linked(LockFormat::Npm, &lock, &[own("", manifest)]);
    assert_eq!(
        lines(&read),
        [
            "a@1.0.0: b@2.0.0",
            "app@1.0.0 own: a@1.0.0 b@1.0.0 real@1.0.0",
            "b@1.0.0:",
            "b@2.0.0 bundled:",
            "g@git+https://example.org/g.git#abc git:",
            "real@1.0.0:",
        ]
    );
    let lone = Own {
        folder: String::new(),
        manifest: None,
    };
    let without = linked(LockFormat::Npm, &lock, &[lone]);
    assert!(
        lines(&without)
            .iter()
            .any(|line| line.starts_with("(unnamed)@0.0.0 own: a@1.0.0"))
    );
}

#[test]
fn all_versions_of_pnpms_lockfile_tell_the_same() {
    let five = "lockfileVersion: 5.4\nspecifiers:\n  a: ^1\ndependencies:\n  a: 1.0.0_b@2.0.0\n\
        devDependencies:\n  nick: /real/3.0.0\npackages:\n  /a/1.0.0_b@2.0.0:\n    resolution: \
        {integrity: sha512-x}\n    dependencies:\n      '@s/b': 2.0.0\n  /@s/b/2.0.0:\n    \
        resolution: {integrity: sha512-y}\n    dev: false\n  /real/3.0.0:\n    resolution: \
        {integrity: sha512-z}\n";
    let six = "lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: ^1\n    version: \
        1.0.0(b@2.0.0)\ndevDependencies:\n  nick:\n    specifier: npm:real@3\n    version: \
        /real@3.0.0\npackages:\n  /a@1.0.0(b@2.0.0):\n    resolution: {integrity: sha512-x}\n    \
        dependencies:\n      '@s/b': 2.0.0\n  /@s/b@2.0.0:\n    resolution: {integrity: \
        sha512-y}\n  /real@3.0.0:\n    resolution: {integrity: sha512-z}\n";
    let nine = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        \
        specifier: ^1\n        version: 1.0.0(b@2.0.0)\n    devDependencies:\n      nick:\n        \
        specifier: npm:real@3\n        version: real@3.0.0\npackages:\n  a@1.0.0:\n    resolution: \
        {integrity: sha512-x}\n  '@s/b@2.0.0':\n    resolution: {integrity: sha512-y}\n  \
        real@3.0.0:\n    resolution: {integrity: sha512-z}\nsnapshots:\n  a@1.0.0(b@2.0.0):\n    \
        dependencies:\n      '@s/b': 2.0.0\n  '@s/b@2.0.0': {}\n  real@3.0.0: {}\n";
    for text in [five, six, nine] {
        let linked = linked(LockFormat::Pnpm, text, &[own("", r#"{"name": "app"}"#)]);
        assert_eq!(
            lines(&linked),
            [
                "@s/b@2.0.0:",
                "a@1.0.0: @s/b@2.0.0",
                "app@0.0.0 own: a@1.0.0 real@3.0.0",
                "real@3.0.0:",
            ],
            "{text}"
        );
        assert_eq!(linked.problems, Vec::<String>::new());
    }
}

#[test]
fn a_workspace_of_pnpm_links_its_members_and_repositories_are_told() {
    let text = "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  packages/a:\n    dependencies:\n      \
        b:\n        specifier: workspace:*\n        version: link:../b\n      out:\n        specifier: \
        link:../../../out\n        version: link:../../../out\n  packages/b:\n    dependencies:\n      \
        g:\n        specifier: github:o/g\n        version: https://codeload.github.com/o/g/tar.gz/abc\n\
        packages:\n  g@https://codeload.github.com/o/g/tar.gz/abc:\n    resolution: {tarball: \
        https://codeload.github.com/o/g/tar.gz/abc}\n    version: 1.0.0\nsnapshots:\n  \
        g@https://codeload.github.com/o/g/tar.gz/abc: {}\n";
    let members = [
        own("", r#"{"name": "root"}"#),
        own("packages/a", r#"{"name": "a"}"#),
        own("packages/b", r#"{"name": "b"}"#),
    ];
    let linked = linked(LockFormat::Pnpm, text, &members);
    assert_eq!(
        lines(&linked),
        [
            "a@0.0.0 own: b@0.0.0",
            "b@0.0.0 own: g@1.0.0",
            "g@1.0.0 git:",
            "root@0.0.0 own:",
        ]
    );
    assert!(
        linked
            .problems
            .iter()
            .any(|what| what.contains("out link:"))
    );
}

#[test]
fn yarn_1_answers_descriptors_and_asks_the_manifests_for_the_rest() {
    let lock = format!(
        "# yarn lockfile v1\n\n\"@s/b@^2.0.0\", \"@s/b@^2.1.0\":\n  version \"2.1.0\"\n  resolved \
         \"{YARN}/@s/b/-/b-2.1.0.tgz#0\"\n  integrity sha512-y\n\na@^1.0.0:\n  version \"1.0.0\"\n  \
         resolved \"{YARN}/a/-/a-1.0.0.tgz#0\"\n  dependencies:\n    \"@s/b\" \"^2.0.0\"\n  \
         optionalDependencies:\n    gone \"^1\"\n\n\"nick@npm:real@^3\":\n  version \"3.0.0\"\n  \
         resolved \"{YARN}/real/-/real-3.0.0.tgz\"\n"
    );
    let manifest = r#"{"name": "app", "dependencies": {"a": "^1.0.0", "@s/b": "^2.1.0",
        "nick": "npm:real@^3", "w": "1"}}"#;
    let members = [own("", manifest), own("w", r#"{"name": "w"}"#)];
    let linked = linked(LockFormat::Yarn, &lock, &members);
    assert_eq!(
        lines(&linked),
        [
            "@s/b@2.1.0:",
            "a@1.0.0: @s/b@2.1.0",
            "app@0.0.0 own: w@0.0.0 @s/b@2.1.0 a@1.0.0 real@3.0.0",
            "real@3.0.0:",
            "w@0.0.0 own:",
        ]
    );
    let checksum = linked.graph.packages()[2].checksum.as_deref();
    assert_eq!(checksum, Some("sha512-y"));
}

const YARN: &str = "https://registry.yarnpkg.com";

#[test]
fn later_yarns_list_the_projects_own_packages_too() {
    let lock = "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0, a@npm:^1.1.0\":\n  version: 1.1.0\n  \
        resolution: \"a@npm:1.1.0\"\n  dependencies:\n    b: \"npm:^2.0.0\"\n  checksum: 10c0/ab\n  \
        languageName: node\n  linkType: hard\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  \
        resolution: \"app@workspace:.\"\n  dependencies:\n    a: \"npm:^1.0.0\"\n  languageName: \
        unknown\n  linkType: soft\n\n\"b@npm:^2.0.0\":\n  version: 2.0.0\n  resolution: \
        \"b@npm:2.0.0\"\n  conditions: os=darwin & cpu=arm64\n\n\"c@patch:c@npm%3A1.0.0#./c.patch\":\n  \
        version: 1.0.0\n  resolution: \"c@patch:c@npm%3A1.0.0#./c.patch::hash=1\"\n";
    let read = linked(LockFormat::Yarn, lock, &[own("", r#"{"name": "app"}"#)]);
    assert_eq!(
        lines(&read),
        [
            "a@1.1.0: b@2.0.0",
            "app@0.0.0 own: a@1.1.0",
            "b@2.0.0:",
            "c@1.0.0 other:",
        ]
    );
    let graph = read.graph;
    let node = graph.named("b").next().unwrap();
    assert_eq!(graph.package(node).installation.os, ["darwin"]);
}

#[test]
fn what_is_no_lockfile_is_an_error_in_words() {
    for (format, text, told) in [
        (LockFormat::Npm, "<html>", "it is no lockfile's JSON"),
        (
            LockFormat::Npm,
            r#"{"lockfileVersion": 9, "packages": {}}"#,
            "format version 9",
        ),
        (LockFormat::Npm, r#"{"lockfileVersion": 3}"#, "do not fit"),
        (
            LockFormat::Pnpm,
            "lockfileVersion: 12\n",
            "format version 12",
        ),
        (LockFormat::Pnpm, "a: &x b\nc: *x\n", "an anchor"),
        (LockFormat::Yarn, "a@1:\n      version \"1\"\n", "line 2"),
    ] {
        let error = parse(format, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert_eq!(
        parse(LockFormat::Npm, b"\xff").unwrap_err(),
        LockError::NotText
    );
}

#[test]
fn a_broken_entry_is_told_and_the_rest_is_read() {
    let deep = "node_modules/x/".repeat(200);
    let lock = format!(
        r#"{{"lockfileVersion": 3, "packages": {{"": {{"dependencies": {{"a": "1"}}}},
        "node_modules/a": {{"version": "1.0.0"}}, "node_modules/b": 7, "node_modules/c": {{}},
        "{deep}": {{"version": "1.0.0"}}}}}}"#
    );
    let linked = linked(LockFormat::Npm, &lock, &[own("", "{}")]);
    assert_eq!(lines(&linked), ["(unnamed)@0.0.0 own: a@1.0.0", "a@1.0.0:"]);
    let told = linked.problems.join("\n");
    for part in [
        "`node_modules/b` cannot be read",
        "`node_modules/c` has no version",
        "too deep",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_a_panic(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "\"packages\":", "\"lockfileVersion\": 3", ",", "\"node_modules/a\":", "{}",
                "\"link\": true", "\"version\": \"1\"", "a@^1:\n", "  version \"1\"\n", "\"", ": ",
                "__metadata:\n", "lockfileVersion: 9\n", "snapshots:\n", "  ", "\n", "- ", "é", "'", "[",
            ]),
            0..24,
        ),
    ) {
        let text = parts.concat();
        for format in [LockFormat::Npm, LockFormat::Pnpm, LockFormat::Yarn] {
            if let Ok(parsed) = parse(format, text.as_bytes()) {
                let _ = parsed.folders();
                let _ = parsed.link(&[own("", "{}")]);
            }
        }
    }
}
