//! What a grammar's nodes are called in the program: a function's name and parameters, whether
//! others may use it, whether it is a test, and whether a condition never holds. Pure.

use tree_sitter::Node;

use super::language::Language;

/// A function's name, and what goes with it.
pub(super) struct Named {
    pub name: String,
    pub public: bool,
    pub is_test: bool,
    /// How it was called to become a test, such as `it.skip`.
    pub mark: Option<String>,
}

impl Named {
    /// A test of this name.
    pub(super) fn test(name: String) -> Self {
        let (public, is_test, mark) = (false, true, None);
        Self {
            name,
            public,
            is_test,
            mark,
        }
    }

    fn plain(name: String, public: bool) -> Option<Self> {
        let (is_test, mark) = (false, None);
        (!name.is_empty()).then_some(Self {
            name,
            public,
            is_test,
            mark,
        })
    }
}

/// Macros of C and C++ that are followed by a test's body.
const TEST_MACROS: &[&str] = &[
    "TEST",
    "TEST_F",
    "TEST_P",
    "TYPED_TEST",
    "TYPED_TEST_P",
    "TEST_CASE",
    "TEST_CASE_METHOD",
    "SCENARIO",
    "SECTION",
    "SUBCASE",
    "BOOST_AUTO_TEST_CASE",
    "BOOST_FIXTURE_TEST_CASE",
    "START_TEST",
    "CTEST",
    "TEST_METHOD",
    "UTEST",
    "Test",
    "ParameterizedTest",
    "Theory",
];

/// Functions of JavaScript's test runners that are given a test.
const TEST_CALLS: &[&str] = &[
    "it",
    "test",
    "describe",
    "suite",
    "context",
    "specify",
    "xit",
    "xtest",
    "xdescribe",
    "fit",
    "fdescribe",
    "t",
    "tap",
    "suite",
    "tape",
    "QUnit",
];

/// How far up and down a tree a name is looked for.
const DEPTH_MAX: usize = 12;
/// How many nodes of a parameter list are looked at.
const PARAM_NODES_MAX: usize = 2000;

fn text_of<'t>(node: &Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

fn close(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .take(200)
        .collect()
}

/// A function's name; `None` where it has none, such as a callback.
pub(super) fn function(node: &Node<'_>, text: &str, language: Language) -> Option<Named> {
    match language {
        Language::C | Language::Cpp => c_function(node, text),
        Language::Rust => {
            let name = close(text_of(&node.child_by_field_name("name")?, text));
            Named::plain(name, is_pub(node, text))
        }
        Language::Python => {
            let name = close(text_of(&node.child_by_field_name("name")?, text));
            let public = !name.starts_with('_');
            Named::plain(name, public)
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => script_function(node, text),
    }
}

fn is_pub(node: &Node<'_>, text: &str) -> bool {
    let mut cursor = node.walk();
    let mut children = node.children(&mut cursor).take(DEPTH_MAX);
    children.any(|child| child.kind() == "visibility_modifier" && text_of(&child, text) == "pub")
}

fn c_function(node: &Node<'_>, text: &str) -> Option<Named> {
    let mut declarator = node.child_by_field_name("declarator")?;
    let mut whole = declarator;
    for _ in 0..DEPTH_MAX {
        if declarator.kind() == "function_declarator" {
            whole = declarator;
        }
        match declarator.child_by_field_name("declarator") {
            Some(inner) => declarator = inner,
            None => break,
        }
    }
    let name = close(text_of(&declarator, text));
    if TEST_MACROS.contains(&name.as_str()) {
        let (name, mark) = (close(text_of(&whole, text)), None);
        return Some(Named {
            name,
            public: false,
            is_test: true,
            mark,
        });
    }
    let mut cursor = node.walk();
    let mut children = node.children(&mut cursor).take(DEPTH_MAX);
    let hidden = children.any(|child| {
        child.kind() == "storage_class_specifier" && text_of(&child, text) == "static"
    });
    Named::plain(name, !hidden)
}

/// Whether a word is a macro that is followed by a test's body.
pub(super) fn is_test_macro(word: &str) -> bool {
    TEST_MACROS.contains(&word)
}

fn script_function(node: &Node<'_>, text: &str) -> Option<Named> {
    if let Some(name) = node.child_by_field_name("name") {
        let name = close(text_of(&name, text));
        let public = node.kind() == "method_definition" && !name.starts_with(['_', '#']);
        return Named::plain(name, public);
    }
    let parent = node.parent()?;
    match parent.kind() {
        "variable_declarator" | "public_field_definition" | "field_definition" => {
            let name = parent.child_by_field_name("name")?;
            Named::plain(close(text_of(&name, text)), false)
        }
        "pair" => Named::plain(
            close(text_of(&parent.child_by_field_name("key")?, text)),
            false,
        ),
        "assignment_expression" => Named::plain(
            close(text_of(&parent.child_by_field_name("left")?, text)),
            false,
        ),
        "arguments" => {
            let call = parent.parent()?;
            let callee = close(text_of(&call.child_by_field_name("function")?, text));
            let first = callee.split(['.', '(']).next().unwrap_or_default();
            let title = parent.named_child(0)?;
            let titled = matches!(title.kind(), "string" | "template_string");
            let name = text_of(&title, text).trim_matches(['\'', '"', '`']);
            let name: String = name.chars().take(200).collect();
            (titled && TEST_CALLS.contains(&first)).then_some(Named {
                name,
                public: false,
                is_test: true,
                mark: Some(callee),
            })
        }
        _ => None,
    }
}

/// The name of a class, a module or what is implemented.
pub(super) fn scope(node: &Node<'_>, text: &str) -> String {
    let name = ["name", "type"]
        .iter()
        .find_map(|field| node.child_by_field_name(field));
    let of_trait = node.child_by_field_name("trait");
    let nameless = || "(nameless)".to_owned();
    let name = name.map_or_else(nameless, |name| close(text_of(&name, text)));
    match of_trait {
        Some(of_trait) => format!("{name}:{}", close(text_of(&of_trait, text))),
        None => name,
    }
}

/// The names of what a function is given.
pub(super) fn params(node: &Node<'_>, text: &str) -> Vec<String> {
    let mut names = vec!["self".to_owned(), "this".to_owned()];
    let mut list = node.child_by_field_name("parameters");
    let single = node.child_by_field_name("parameter");
    let mut declarator = node.child_by_field_name("declarator");
    for _ in 0..DEPTH_MAX {
        let Some(inner) = declarator else { break };
        list = list.or(inner.child_by_field_name("parameters"));
        declarator = inner.child_by_field_name("declarator");
    }
    let mut left: Vec<Node<'_>> = list.into_iter().chain(single).collect();
    for _ in 0..PARAM_NODES_MAX {
        let Some(next) = left.pop() else { break };
        if matches!(
            next.kind(),
            "identifier" | "shorthand_property_identifier_pattern"
        ) {
            names.push(text_of(&next, text).to_owned());
        }
        let mut cursor = next.walk();
        left.extend(next.named_children(&mut cursor).take(PARAM_NODES_MAX));
    }
    names
}

/// An attribute that makes a function a test, or says that it is only there for tests.
pub(super) fn is_test_mark(mark: &str) -> bool {
    let inside = mark.trim_start_matches("#[").trim_end_matches(']');
    let name = inside.split('(').next().unwrap_or_default();
    matches!(
        name,
        "test" | "rstest" | "test_case" | "quickcheck" | "bench" | "proptest"
    ) || name.ends_with("::test")
        || inside == "cfg(test)"
        || inside.starts_with("cfg(all(test")
}

/// Whether the condition of an `if`, a `while` or an `#if` is a constant that never holds.
pub(super) fn never_holds(node: &Node<'_>, text: &str) -> bool {
    let Some(condition) = node.child_by_field_name("condition") else {
        return false;
    };
    let condition = close(text_of(&condition, text));
    let condition = condition.trim_start_matches('(').trim_end_matches(')');
    matches!(
        condition,
        "0" | "false"
            | "False"
            | "None"
            | "null"
            | "!1"
            | "!true"
            | "notTrue"
            | "1==0"
            | "0==1"
            | "1>2"
    ) || condition.starts_with("0&&")
        || condition.starts_with("false&&")
        || condition.ends_with("&&0")
        || condition.ends_with("&&false")
        || condition.starts_with("Falseand")
        || condition.ends_with("andFalse") && condition.len() > 8
}
