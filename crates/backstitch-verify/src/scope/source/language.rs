//! The languages whose source is compared as code, and what their grammars call things. Tables:
//! nothing here looks at a patch.

use backstitch_model::RelPath;

/// A language that is read as code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cpp,
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript, with JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

/// What a node of a syntax tree is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A function, with a body or without.
    Function,
    /// Something that gives its name to the functions in it.
    Scope,
    /// An attribute or decorator of what follows.
    Mark,
    /// One statement that holds no block of its own kind.
    Statement,
    /// A list of statements between braces or at one depth.
    Block,
    /// What is guarded against exceptions.
    Try,
    /// What is done with an exception.
    Handler,
    /// A case of a switch or match.
    Case,
    /// A choice by a condition.
    If,
    /// A part that the preprocessor may take out.
    Conditional,
    /// A comment.
    Comment,
    /// Text between quotes, taken as one.
    Text,
    /// Anything else.
    Other,
}

impl Language {
    /// By a file's name. A header is C++ where its text says so.
    pub fn of(path: &RelPath, text: &str) -> Option<Self> {
        let (_, ending) = path.file_name().rsplit_once('.')?;
        match ending {
            "h" if is_cpp(text) => Some(Self::Cpp),
            "c" | "h" => Some(Self::C),
            "cc" | "cpp" | "cxx" | "c++" | "C" | "hh" | "hpp" | "hxx" | "h++" | "H" | "ipp"
            | "inl" | "tcc" => Some(Self::Cpp),
            "rs" => Some(Self::Rust),
            "py" | "pyi" | "pyx" => Some(Self::Python),
            "js" | "mjs" | "cjs" | "jsx" => Some(Self::JavaScript),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            _ => None,
        }
    }

    pub(super) fn grammar(self) -> tree_sitter::Language {
        match self {
            Self::C => tree_sitter_c::LANGUAGE.into(),
            Self::Cpp => tree_sitter_cpp::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        }
    }

    /// C or C++.
    pub fn is_c_like(self) -> bool {
        matches!(self, Self::C | Self::Cpp)
    }

    /// JavaScript or TypeScript.
    pub fn is_script(self) -> bool {
        matches!(self, Self::JavaScript | Self::TypeScript | Self::Tsx)
    }

    /// What a node of this kind is to us.
    pub(super) fn shape(self, kind: &str) -> Shape {
        match kind {
            "comment" | "line_comment" | "block_comment" | "html_comment" => return Shape::Comment,
            "string_literal" | "raw_string_literal" | "char_literal" | "string" | "regex"
            | "template_string" | "system_lib_string" => return Shape::Text,
            _ => {}
        }
        match self {
            Self::C | Self::Cpp => c_shape(kind),
            Self::Rust => rust_shape(kind),
            Self::Python => python_shape(kind),
            Self::JavaScript | Self::TypeScript | Self::Tsx => script_shape(kind),
        }
    }
}

fn is_cpp(text: &str) -> bool {
    text.lines().take(5000).any(|line| {
        let line = line.trim_start();
        [
            "class ",
            "namespace ",
            "template",
            "using ",
            "public:",
            "private:",
        ]
        .iter()
        .any(|word| line.starts_with(word))
    })
}

fn c_shape(kind: &str) -> Shape {
    match kind {
        "function_definition" => Shape::Function,
        "class_specifier" | "struct_specifier" | "namespace_definition" => Shape::Scope,
        "expression_statement"
        | "declaration"
        | "return_statement"
        | "throw_statement"
        | "goto_statement"
        | "break_statement"
        | "continue_statement" => Shape::Statement,
        "compound_statement" => Shape::Block,
        "try_statement" => Shape::Try,
        "catch_clause" => Shape::Handler,
        "case_statement" => Shape::Case,
        "if_statement" | "while_statement" => Shape::If,
        "preproc_if" | "preproc_ifdef" => Shape::Conditional,
        _ => Shape::Other,
    }
}

fn rust_shape(kind: &str) -> Shape {
    match kind {
        "function_item" => Shape::Function,
        "impl_item" | "trait_item" | "mod_item" => Shape::Scope,
        "attribute_item" => Shape::Mark,
        "expression_statement"
        | "let_declaration"
        | "macro_invocation"
        | "return_expression"
        | "use_declaration" => Shape::Statement,
        "block" => Shape::Block,
        "match_arm" => Shape::Case,
        "if_expression" | "while_expression" => Shape::If,
        _ => Shape::Other,
    }
}

fn python_shape(kind: &str) -> Shape {
    match kind {
        "function_definition" => Shape::Function,
        "class_definition" => Shape::Scope,
        "decorator" => Shape::Mark,
        "expression_statement"
        | "assert_statement"
        | "return_statement"
        | "raise_statement"
        | "pass_statement"
        | "break_statement"
        | "continue_statement"
        | "delete_statement"
        | "with_clause"
        | "import_statement"
        | "import_from_statement" => Shape::Statement,
        "block" => Shape::Block,
        "try_statement" => Shape::Try,
        "except_clause" | "except_group_clause" => Shape::Handler,
        "case_clause" => Shape::Case,
        "if_statement" | "while_statement" => Shape::If,
        _ => Shape::Other,
    }
}

fn script_shape(kind: &str) -> Shape {
    match kind {
        "function_declaration"
        | "generator_function_declaration"
        | "method_definition"
        | "arrow_function"
        | "function_expression"
        | "generator_function" => Shape::Function,
        "class_declaration" | "class" => Shape::Scope,
        "decorator" => Shape::Mark,
        "expression_statement"
        | "lexical_declaration"
        | "variable_declaration"
        | "return_statement"
        | "throw_statement"
        | "break_statement"
        | "continue_statement" => Shape::Statement,
        "statement_block" => Shape::Block,
        "try_statement" => Shape::Try,
        "catch_clause" => Shape::Handler,
        "switch_case" => Shape::Case,
        "if_statement" | "while_statement" => Shape::If,
        _ => Shape::Other,
    }
}
