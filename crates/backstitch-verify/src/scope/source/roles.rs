//! What a file of a project is for, by its path and, where that says nothing, by its first
//! lines. Tables: nothing here looks at a patch.

use backstitch_model::RelPath;

use super::language::Language;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The program.
    Source,
    /// Programs beside it that users do not get: benchmarks and demonstrations.
    Aside,
    /// Tests, and targets of fuzzers.
    Test,
    /// What tests read and compare with.
    TestData,
    /// How tests are found and run.
    Harness,
    /// What a service builds and tests.
    Ci,
    /// How the program is built.
    Build,
    /// What the program says of itself and its dependencies.
    Manifest,
    /// The exact dependencies.
    Lockfile,
    /// What a tool wrote.
    Generated,
    /// A copy of somebody else's.
    Vendored,
    /// For people.
    Documents,
    /// What a tool that looks for flaws is told to tell, or not.
    ToolSettings,
    /// Backstitch's own settings.
    OwnSettings,
    /// Anything else.
    Other,
}

impl Role {
    /// Such a file is taken from the base again before anything is judged.
    pub fn measures(self) -> bool {
        match self {
            Self::Test
            | Self::TestData
            | Self::Harness
            | Self::Ci
            | Self::ToolSettings
            | Self::OwnSettings => true,
            Self::Source
            | Self::Aside
            | Self::Build
            | Self::Manifest
            | Self::Lockfile
            | Self::Generated
            | Self::Vendored
            | Self::Documents
            | Self::Other => false,
        }
    }
}

const VENDORED: &[&str] = &[
    "vendor",
    "vendored",
    "_vendor",
    "third_party",
    "third-party",
    "thirdparty",
    "3rdparty",
    "node_modules",
    "bower_components",
    "external",
    "extern",
    "subprojects",
];
const GENERATED_FOLDERS: &[&str] = &["dist", "__generated__", "generated", "autogen"];
const GENERATED_ENDINGS: &[&str] = &[
    ".min.js",
    ".min.css",
    ".min.mjs",
    ".map",
    "_pb2.py",
    "_pb2_grpc.py",
    ".pb.cc",
    ".pb.h",
    ".pb.go",
    ".tab.c",
    ".tab.h",
    ".bundle.js",
    ".yy.c",
];
const CI_FOLDERS: &[&str] = &[
    ".github",
    ".circleci",
    ".buildkite",
    ".gitlab",
    ".ci",
    "ci",
    ".azure-pipelines",
    ".teamcity",
];
const CI_FILES: &[&str] = &[
    ".gitlab-ci.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "Jenkinsfile",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    ".pre-commit-config.yaml",
    "bitbucket-pipelines.yml",
    ".drone.yml",
    "codecov.yml",
    ".codecov.yml",
    "cloudbuild.yaml",
];
const HARNESS_FILES: &[&str] = &[
    "conftest.py",
    // Found before the ones that they are named after.
    "pytest.py",
    "unittest.py",
    "nose.py",
    "pluggy.py",
    "assert.h",
    "gtest.h",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "noxfile.py",
    "sitecustomize.py",
    "usercustomize.py",
    ".coveragerc",
    "nextest.toml",
    "CTestCustom.cmake",
    "CTestConfig.cmake",
    "run_tests.sh",
    "run-tests.sh",
    "runtests.sh",
    "runtests.py",
    "run_tests.py",
    "test.sh",
    "setupTests.js",
    "setupTests.ts",
    ".nycrc",
    ".taprc",
    ".c8rc.json",
    ".nycrc.json",
];
const HARNESS_STEMS: &[&str] = &[
    "jest.config",
    "jest.setup",
    "vitest.config",
    "vitest.setup",
    ".mocharc",
    "karma.conf",
    "ava.config",
    "cypress.config",
    "playwright.config",
    "wtr.config",
    "web-test-runner.config",
];
const HARNESS_PATHS: &[&str] = &[".cargo/config.toml", ".cargo/config", "mocha.opts"];
const TOOL_FILES: &[&str] = &[
    ".trivyignore",
    ".trivyignore.yaml",
    "audit.toml",
    "osv-scanner.toml",
    ".snyk",
    "deny.toml",
    ".nsprc",
    ".semgrepignore",
    ".bandit",
    "bandit.yaml",
    ".auditignore",
    "audit-ci.json",
    "audit-ci.jsonc",
    ".eslintignore",
    ".flake8",
    ".pylintrc",
    "pylintrc",
    "mypy.ini",
    ".clang-tidy",
    "clippy.toml",
    ".clippy.toml",
    "ruff.toml",
    ".ruff.toml",
    "pyrightconfig.json",
    ".grype.yaml",
    ".safety-policy.yml",
    "codeql-config.yml",
    "sonar-project.properties",
    ".gitleaksignore",
    "suppressions.txt",
    ".hadolint.yaml",
];
const TOOL_STEMS: &[&str] = &[
    ".eslintrc",
    "eslint.config",
    "biome.json",
    ".jshintrc",
    "tslint",
];
const BUILD_FILES: &[&str] = &[
    "CMakeLists.txt",
    "meson.build",
    "meson_options.txt",
    "meson.options",
    "configure",
    "configure.ac",
    "configure.in",
    "build.rs",
    "setup.py",
    ".pnpmfile.cjs",
    ".pnpmfile.js",
    "pnpmfile.js",
    "SConstruct",
    "SConscript",
    "BUILD",
    "BUILD.bazel",
    "WORKSPACE",
    "WORKSPACE.bazel",
    "MODULE.bazel",
    "tsconfig.json",
    ".babelrc",
    "rust-toolchain",
    "rust-toolchain.toml",
    "Dockerfile",
    "justfile",
    "Justfile",
    "wscript",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    "MANIFEST.in",
    "build.sh",
    "pip.conf",
    "config.h.in",
];
const BUILD_STEMS: &[&str] = &[
    "Makefile",
    "makefile",
    "GNUmakefile",
    "webpack.config",
    "rollup.config",
    "vite.config",
    "gulpfile",
    "Gruntfile",
    "babel.config",
    "esbuild.config",
];
const BUILD_ENDINGS: &[&str] = &[
    ".mk", ".cmake", ".gyp", ".gypi", ".vcxproj", ".pro", ".m4", ".ninja",
];
const MANIFESTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "Pipfile",
    "conanfile.txt",
    "vcpkg.json",
];
const LOCKFILES: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "Pipfile.lock",
    "pdm.lock",
    "bun.lock",
    "conan.lock",
];
const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "t",
    "testsuite",
    "test-suite",
    "unittest",
    "unittests",
    "unit-tests",
    "fuzz",
    "fuzzing",
    "fuzzer",
    "fuzzers",
    "fuzz_targets",
    "e2e",
    "oss-fuzz",
    "regress",
    "regression",
];
const ASIDE_FOLDERS: &[&str] = &["bench", "benches", "benchmark", "benchmarks", "perf"];
const SOURCE_FOLDERS: &[&str] = &["src", "lib", "source", "sources", "include"];
const DATA_FOLDERS: &[&str] = &[
    "fixtures",
    "testdata",
    "test-data",
    "test_data",
    "snapshots",
    "__snapshots__",
    "golden",
    "corpus",
    "corpora",
    "seed_corpus",
    "expected",
];
const DOCUMENT_FOLDERS: &[&str] = &["doc", "docs", "changelog.d", "newsfragments", "news"];
const DOCUMENT_ENDINGS: &[&str] = &[".md", ".rst", ".adoc", ".markdown", ".1", ".3", ".tex"];
const DOCUMENT_STEMS: &[&str] = &[
    "README",
    "CHANGES",
    "CHANGELOG",
    "ChangeLog",
    "HISTORY",
    "History",
    "NEWS",
    "AUTHORS",
    "CONTRIBUTORS",
    "LICENSE",
    "COPYING",
    "SECURITY",
    "THANKS",
    "TODO",
    "RELEASE",
    "UPGRADING",
];

/// What a file is for. `text` is what it holds, where it is text.
pub fn role(path: &RelPath, text: Option<&str>) -> Role {
    let name = path.file_name();
    let folders: Vec<&str> = path.as_str().split('/').collect();
    let folders = &folders[..folders.len().saturating_sub(1)];
    let in_any = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));
    let starts = |stems: &[&str]| stems.iter().any(|stem| name.starts_with(stem));
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let is_code = Language::of(path, "").is_some();
    if name == "backstitch.toml" {
        Role::OwnSettings
    } else if in_any(VENDORED) {
        Role::Vendored
    } else if ends(GENERATED_ENDINGS) || in_any(GENERATED_FOLDERS) {
        Role::Generated
    } else if TOOL_FILES.contains(&name) || starts(TOOL_STEMS) || ends(&[".supp"]) {
        Role::ToolSettings
    } else if is_harness(path) || starts(HARNESS_STEMS) {
        Role::Harness
    } else if CI_FILES.contains(&name) || in_any(CI_FOLDERS) && !ends(DOCUMENT_ENDINGS) {
        Role::Ci
    } else if LOCKFILES.contains(&name) {
        Role::Lockfile
    } else if MANIFESTS.contains(&name) || is_requirements(name) {
        Role::Manifest
    } else if is_test(path, folders, is_code) {
        Role::Test
    } else if is_code && is_aside(folders) {
        Role::Aside
    } else if is_build(name, folders) || starts(BUILD_STEMS) || ends(BUILD_ENDINGS) {
        Role::Build
    } else if in_any(TEST_FOLDERS) || in_any(DATA_FOLDERS) || ends(&[".snap"]) {
        Role::TestData
    } else if ends(DOCUMENT_ENDINGS) || starts(DOCUMENT_STEMS) && !is_code {
        Role::Documents
    } else if text.is_some_and(says_generated) {
        Role::Generated
    } else if is_code || is_source_of_another_kind(name) {
        Role::Source
    } else if in_any(DOCUMENT_FOLDERS) || ends(&[".txt"]) {
        Role::Documents
    } else {
        Role::Other
    }
}

/// A folder for benchmarks counts beside the sources, and not among them.
fn is_aside(folders: &[&str]) -> bool {
    let named = |names: &[&str]| folders.iter().position(|folder| names.contains(folder));
    named(ASIDE_FOLDERS).is_some_and(|aside| named(SOURCE_FOLDERS).is_none_or(|it| it > aside))
}

/// Cargo takes a `build.rs` that lies beside the manifest, and not one among the sources.
fn is_build(name: &str, folders: &[&str]) -> bool {
    BUILD_FILES.contains(&name) && !(name == "build.rs" && folders.contains(&"src"))
}

/// Does it lie among tests, or what they read?
pub fn is_for_tests(path: &RelPath) -> bool {
    path.as_str()
        .split('/')
        .any(|folder| TEST_FOLDERS.contains(&folder) || DATA_FOLDERS.contains(&folder))
}

fn is_harness(path: &RelPath) -> bool {
    let (name, text) = (path.file_name(), path.as_str());
    HARNESS_FILES.contains(&name)
        || name.rsplit('.').next() == Some("pth")
        || HARNESS_PATHS
            .iter()
            .any(|end| text == *end || text.ends_with(&format!("/{end}")))
}

fn is_requirements(name: &str) -> bool {
    let text = [".txt", ".in"].iter().any(|ending| name.ends_with(ending));
    text && (name.contains("requirements") || name.contains("constraints"))
}

fn is_test(path: &RelPath, folders: &[&str], is_code: bool) -> bool {
    let name = path.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if !is_code {
        return false;
    }
    folders
        .iter()
        .any(|folder| TEST_FOLDERS.contains(folder) || DATA_FOLDERS.contains(folder))
        || ["test_", "test-", "fuzz_"]
            .iter()
            .any(|begin| stem.starts_with(begin))
        || [
            "_test",
            "_tests",
            "-test",
            ".test",
            ".spec",
            "_unittest",
            "Test",
            "_fuzzer",
            "_spec",
        ]
        .iter()
        .any(|end| stem.ends_with(end))
        || matches!(stem, "test" | "tests")
}

/// How many of a file's first lines may say that a tool wrote it.
const HEAD_LINES: usize = 15;

fn says_generated(text: &str) -> bool {
    text.lines().take(HEAD_LINES).any(|line| {
        let line: String = line.chars().take(300).collect::<String>().to_lowercase();
        let warns = line.contains("do not edit") || line.contains("do not modify");
        line.contains("@generated")
            || line.contains("code generated by")
            || warns && line.contains("generated")
            || line.contains("this file is autogenerated")
    })
}

fn is_source_of_another_kind(name: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "html", "css", "vue", "svelte", "ejs", "hbs", "pug", "jinja", "j2", "sh", "bash", "sql",
        "y", "l", "s", "S", "asm", "go", "java", "rb", "php", "proto", "pyx", "pxd", "in",
        "jinja2",
    ];
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}
