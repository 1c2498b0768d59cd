//! The tools: what each is called, says of itself, takes and answers. Does nothing.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::schema;

/// The largest patch, in bytes.
pub const PATCH_BYTES_MAX: usize = 4 << 20;
/// The longest of the short texts (an id, a command, a name), in bytes.
const WORDS_BYTES_MAX: usize = 4096;
/// The most ids of what a patch is said to fix.
const FINDINGS_MAX: usize = 64;
/// The most inputs of each kind.
pub const INPUTS_MAX: usize = 16;
/// The largest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 1 << 20;

/// A tool of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// What is known to be wrong.
    Find,
    /// Everything about one finding.
    Explain,
    /// What an engine would be told of one.
    Brief,
    /// Judges a patch.
    TestPatch,
    /// How the server is.
    Status,
}

/// A call, understood.
#[derive(Debug)]
pub enum Call {
    /// `find`.
    Find(Project),
    /// `explain`.
    Explain(About),
    /// `brief`.
    Brief(About),
    /// `test_patch`.
    TestPatch(TestPatch),
    /// `status`.
    Status(Project),
}

/// A project.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    pub path: Option<String>,
}

/// A finding of a project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub id: String,
    pub path: Option<String>,
}

/// A patch of a project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPatch {
    pub patch: String,
    pub path: Option<String>,
    #[serde(default)]
    pub findings: Vec<String>,
    pub reproducer: Option<Reproducer>,
}

/// What shows the flaw.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reproducer {
    pub command: String,
    #[serde(default)]
    pub inputs: Vec<Input>,
    #[serde(default)]
    pub benign: Vec<Input>,
    pub oracle: Option<String>,
}

/// An input, as text or as base64.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub name: Option<String>,
    pub text: Option<String>,
    pub base64: Option<String>,
}

impl Named {
    /// Every tool, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Find,
        Self::Explain,
        Self::Brief,
        Self::TestPatch,
        Self::Status,
    ];

    /// The tool of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Explain => "explain",
            Self::Brief => "brief",
            Self::TestPatch => "test_patch",
            Self::Status => "status",
        }
    }

    /// As the protocol describes it.
    pub fn described(self) -> Tool {
        let (title, description) = self.words();
        let tool = Tool::new(self.name(), description, self.arguments())
            .with_raw_output_schema(match self {
                Self::Find => schema::findings(),
                Self::Explain => schema::explanations(),
                Self::Brief => schema::briefs(),
                Self::TestPatch => schema::judgement(),
                Self::Status => schema::status(),
            })
            .with_title(title);
        tool.with_annotations(
            ToolAnnotations::with_title(title)
                // What judges changes no project, but runs its programs in the sandbox.
                .read_only(self != Self::TestPatch)
                .destructive(false)
                .idempotent(true)
                // What a package registry says is asked for, unless the server is offline.
                .open_world(matches!(self, Self::Explain | Self::TestPatch)),
        )
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Find => (
                "Find known vulnerabilities",
                "Lists the locked packages with known vulnerabilities, each with its advisories, \
                 severity, fixed releases and the chain that leads to it. Runs nothing.",
            ),
            Self::Explain => (
                "Explain a finding",
                "Tells of one advisory why it is here, what upgrades would fix it, and what earlier \
                 runs observed. Runs nothing.",
            ),
            Self::Brief => (
                "Brief on a finding",
                "Gives what is needed to write a fix: the finding, the advisory's facts, the \
                 manifests and the code that uses the package, with secrets taken out. Runs nothing.",
            ),
            Self::TestPatch => (
                "Judge a patch",
                "Judges a unified diff against the commit at HEAD (or the folder's files, without a \
                 repository): applies it to a copy, builds and tests both in a sandbox without a \
                 network, attacks them with the reproducer if there is one, and gives a verdict with \
                 its evidence. Takes minutes; tells its progress and can be cancelled. The \
                 project's files are not changed. Nobody's opinion counts, only what ran: weakened \
                 tests, stubs and checks for the one known input are rejected.",
            ),
            Self::Status => (
                "Status of the judge",
                "Tells which folders may be named, which advisories are used, whether the sandbox \
                 works here, what is going on, and how the newest run of the project ended.",
            ),
        }
    }

    fn arguments(self) -> Arc<JsonObject> {
        let told = |kind: &str, what: &str| json!({"type": kind, "description": what});
        let path = (
            "path",
            told(
                "string",
                "The project's folder, inside the folders that the server was started for; may be \
                 left out where that is one.",
            ),
        );
        let id = (
            "id",
            told(
                "string",
                "An advisory's id or alias, such as CVE-2022-24713.",
            ),
        );
        match self {
            Self::Find | Self::Status => schema::arguments(&[], &[path]),
            Self::Explain | Self::Brief => schema::arguments(&[id], &[path]),
            Self::TestPatch => {
                let diff = told(
                    "string",
                    "A unified diff, as `git diff` or `diff -u` write it.",
                );
                let findings = json!({
                    "type": "array",
                    "items": {"type": "string"},
                    "maxItems": FINDINGS_MAX,
                    "description": "What the patch is said to fix: advisories' ids, aliases or packages.",
                });
                let possible = [path, ("findings", findings), ("reproducer", reproducer())];
                schema::arguments(&[("patch", diff)], &possible)
            }
        }
    }

    /// Reads the arguments of a call. The error is for whoever made the call.
    pub fn call(self, arguments: Option<JsonObject>) -> Result<Call, String> {
        let arguments = Value::Object(arguments.unwrap_or_default());
        let call = match self {
            Self::Find => Call::Find(self.read(arguments)?),
            Self::Explain => Call::Explain(self.read(arguments)?),
            Self::Brief => Call::Brief(self.read(arguments)?),
            Self::TestPatch => Call::TestPatch(self.read(arguments)?),
            Self::Status => Call::Status(self.read(arguments)?),
        };
        let objection = match &call {
            Call::Find(_) | Call::Status(_) => None,
            Call::Explain(about) | Call::Brief(about) => too_long("id", &about.id),
            Call::TestPatch(asked) => asked.objection(),
        };
        match objection {
            None => Ok(call),
            Some(objection) => Err(format!("arguments of `{}`: {objection}", self.name())),
        }
    }

    fn read<T: DeserializeOwned>(self, arguments: Value) -> Result<T, String> {
        serde_json::from_value(arguments)
            .map_err(|error| format!("arguments of `{}`: {error}", self.name()))
    }
}

fn reproducer() -> Value {
    let input = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Its file's name."},
            "text": {"type": "string"},
            "base64": {"type": "string"},
        },
        "additionalProperties": false,
    });
    let inputs = |what: &str| json!({"type": "array", "items": input, "maxItems": INPUTS_MAX, "description": what});
    json!({
        "type": "object",
        "description": "Shows the flaw on the untouched state, and must not on the changed one.",
        "properties": {
            "command": {
                "type": "string",
                "description": "Run in the project's folder after it was built, in the sandbox. \
                    `{input}` stands for an input's path; without it inputs come as standard input.",
            },
            "inputs": inputs("Each makes it show the flaw; each has `text` or `base64`."),
            "benign": inputs("Each shows no flaw and must go on working."),
            "oracle": {
                "type": "string",
                "description": "How a run shows the flaw: exit-signal, asan, ubsan, rust-panic, \
                    uncaught-exception or exit:N. Recognised where it is left out.",
            },
        },
        "required": ["command"],
        "additionalProperties": false,
    })
}

impl TestPatch {
    fn objection(&self) -> Option<String> {
        if self.patch.len() > PATCH_BYTES_MAX {
            let mib = PATCH_BYTES_MAX >> 20;
            return Some(format!("the patch is larger than {mib} MiB"));
        }
        if self.findings.len() > FINDINGS_MAX {
            return Some(format!("`findings` has more than {FINDINGS_MAX} entries"));
        }
        let mut ids = self.findings.iter();
        ids.find_map(|id| too_long("findings", id))
            .or_else(|| self.reproducer.as_ref()?.objection())
    }
}

impl Reproducer {
    fn objection(&self) -> Option<String> {
        let lists = [&self.inputs, &self.benign];
        if lists.iter().any(|list| list.len() > INPUTS_MAX) {
            return Some(format!("there are more than {INPUTS_MAX} inputs of a kind"));
        }
        too_long("command", &self.command).or_else(|| too_long("oracle", self.oracle.as_ref()?))
    }
}

fn too_long(name: &str, text: &str) -> Option<String> {
    (text.len() > WORDS_BYTES_MAX)
        .then(|| format!("`{name}` is longer than {WORDS_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(tool: Named, arguments: &Value) -> String {
        tool.call(arguments.as_object().cloned()).unwrap_err()
    }

    #[test]
    fn wrong_arguments_are_refused_in_words() {
        let long = "x".repeat(WORDS_BYTES_MAX + 1);
        let huge = "x".repeat(PATCH_BYTES_MAX + 1);
        let many = vec![json!({"text": "x"}); INPUTS_MAX + 1];
        for (tool, arguments, why) in [
            (Named::Find, json!({"path": 5}), "invalid type"),
            (Named::Find, json!({"root": "/"}), "unknown field `root`"),
            (Named::Explain, json!({}), "missing field `id`"),
            (Named::Brief, json!({"id": long}), "`id` is longer"),
            (Named::TestPatch, json!({}), "missing field `patch`"),
            (
                Named::TestPatch,
                json!({"patch": huge}),
                "larger than 4 MiB",
            ),
            (
                Named::TestPatch,
                json!({"patch": "", "test": "true"}),
                "unknown field `test`",
            ),
            (
                Named::TestPatch,
                json!({"patch": "", "findings": vec!["a"; 65]}),
                "more than 64",
            ),
            (
                Named::TestPatch,
                json!({"patch": "", "reproducer": {"command": "x", "inputs": many}}),
                "more than 16 inputs",
            ),
        ] {
            let told = refused(tool, &arguments);
            assert!(told.contains(why) && told.contains(tool.name()), "{told}");
        }
    }

    #[test]
    fn each_tool_says_what_it_takes_and_answers() {
        for tool in Named::ALL {
            assert_eq!(Named::of(tool.name()), Some(tool));
            let described = tool.described();
            assert!(described.output_schema.is_some());
            assert_eq!(described.input_schema["type"], "object");
            let told = described.annotations.unwrap();
            assert_eq!(told.read_only_hint, Some(tool != Named::TestPatch));
            assert_eq!(told.destructive_hint, Some(false));
        }
        assert_eq!(Named::of("run"), None);
    }
}
