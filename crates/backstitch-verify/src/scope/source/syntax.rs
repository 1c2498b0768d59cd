//! Reads a source file into what can be compared: tokens, functions, statements, handlers,
//! cases and code that is switched off. Pure; bounded in size and work, and a file that is too
//! much is read as tokens alone.

use std::ops::Range;
use std::time::{Duration, Instant};

use tree_sitter::{Node, ParseOptions, Parser, TreeCursor};

use super::language::{Language, Shape};
use super::lexer::{self, Comment, Kind, Token};
use super::naming;

/// The largest file that a grammar is given.
const SOURCE_BYTES_MAX: usize = 1 << 20;
/// How often the parser may ask whether it may go on; it asks after a hundred steps or so.
const STEPS_MAX: usize = 50_000;
/// How long one file may be parsed. A file that takes longer is read as tokens alone.
const PARSE_TIME_MAX: Duration = Duration::from_secs(1);
/// How deep functions are told apart; what is deeper is part of what is around it.
const DEPTH_MAX: usize = 400;
/// How many tokens are put into one line.
const LINE_TOKENS_MAX: usize = 400;
/// How many nodes of a tree are looked at.
const NODES_MAX: usize = 4_000_000;

/// A function, a method or a test.
#[derive(Debug, Clone)]
pub struct Function {
    /// With the names of what it is in.
    pub name: String,
    /// Where it begins.
    pub line: u32,
    /// Its attributes and decorators, and those of what it is in.
    pub marks: Vec<String>,
    /// The names of what it is given.
    pub params: Vec<String>,
    /// Its tokens, from the first to the last.
    pub span: Range<usize>,
    /// The tokens of its body; `None` where it is declared only.
    pub body: Option<Range<usize>>,
    /// The body's statements, outermost only.
    pub statements: Vec<Statement>,
    /// Others may use it.
    pub public: bool,
    /// The syntax alone says that it is a test or stands among tests.
    pub is_test: bool,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What the grammar calls it.
    pub kind: &'static str,
    /// Where it begins.
    pub line: u32,
    /// Its tokens.
    pub tokens: Range<usize>,
}

/// What is done with an exception.
#[derive(Debug, Clone)]
pub struct Handler {
    /// Where it begins.
    pub line: u32,
    /// All its tokens.
    pub tokens: Range<usize>,
    /// The tokens of what it does.
    pub body: Range<usize>,
    /// The tokens of what it guards.
    pub guarded: Range<usize>,
}

/// A source file, read.
#[derive(Debug)]
pub struct Code<'t> {
    /// Its language.
    pub language: Language,
    /// Everything but comments and spaces.
    pub tokens: Vec<Token<'t>>,
    /// The comments.
    pub comments: Vec<Comment<'t>>,
    /// The functions that have a name, in their order.
    pub functions: Vec<Function>,
    /// Every simple statement, inner ones before those around them.
    pub statements: Vec<Statement>,
    /// Every handler.
    pub handlers: Vec<Handler>,
    /// What a switch or match tells apart: where, and which tokens.
    pub cases: Vec<(u32, Range<usize>)>,
    /// What can never run because its condition is constant: where, and which tokens.
    pub dead: Vec<(u32, Range<usize>)>,
    /// Code that is built for tests only, beside the tests themselves.
    pub test_scopes: Vec<Range<usize>>,
    /// A grammar read it. Otherwise there are tokens and comments alone.
    pub parsed: bool,
    /// For each token the innermost function that holds it.
    inside: Vec<Option<u32>>,
    /// For each token whether it is of tests.
    tests: Vec<bool>,
}

impl<'t> Code<'t> {
    /// Reads `text`.
    pub fn read(text: &'t str, language: Language) -> Self {
        let mut code = Self {
            language,
            tokens: Vec::new(),
            comments: Vec::new(),
            functions: Vec::new(),
            statements: Vec::new(),
            handlers: Vec::new(),
            cases: Vec::new(),
            dead: Vec::new(),
            test_scopes: Vec::new(),
            parsed: false,
            inside: Vec::new(),
            tests: Vec::new(),
        };
        if let Some(tree) = parse(text, language) {
            code.parsed = Walk::new(text, &mut code).run(tree.walk());
        }
        if !code.parsed {
            let (tokens, comments) = (&mut code.tokens, &mut code.comments);
            tokens.clear();
            comments.clear();
            code.functions.clear();
            lexer::cut(text, language, 1, tokens, comments);
        }
        code.index();
        code
    }

    /// The tokens of a range, as text.
    pub fn words(&self, range: &Range<usize>) -> Vec<&'t str> {
        self.slice(range).iter().map(|token| token.text).collect()
    }

    /// The tokens of a range.
    pub fn slice(&self, range: &Range<usize>) -> &[Token<'t>] {
        self.tokens.get(range.clone()).unwrap_or_default()
    }

    /// A range as one line.
    pub fn line_of(&self, range: &Range<usize>) -> String {
        let mut line = String::new();
        let mut last = Kind::Punctuation;
        for token in self.slice(range).iter().take(LINE_TOKENS_MAX) {
            if token.kind != Kind::Punctuation && last != Kind::Punctuation {
                line.push(' ');
            }
            line.push_str(token.text);
            last = token.kind;
        }
        line
    }

    /// The innermost function that holds a token.
    pub fn function_at(&self, token: usize) -> Option<&Function> {
        let at = self.inside.get(token).copied().flatten()?;
        self.functions.get(at as usize)
    }

    /// Whether a token is of a test, or of what is built for tests only.
    pub fn is_of_tests(&self, token: usize) -> bool {
        self.tests.get(token).copied().unwrap_or(false)
    }

    /// The tokens that begin on a line.
    pub fn on_line(&self, line: u32) -> Range<usize> {
        let start = self.tokens.partition_point(|token| token.line < line);
        let end = self.tokens.partition_point(|token| token.line <= line);
        start..end
    }

    /// Functions stand in the order in which they begin, so that an inner one comes later.
    fn index(&mut self) {
        self.inside = vec![None; self.tokens.len()];
        self.tests = vec![false; self.tokens.len()];
        for (at, function) in self.functions.iter().enumerate() {
            let at = u32::try_from(at).ok();
            for inside in self
                .inside
                .get_mut(function.span.clone())
                .unwrap_or_default()
            {
                *inside = at;
            }
        }
        let tests = self.functions.iter().filter(|function| function.is_test);
        for span in tests
            .map(|function| &function.span)
            .chain(&self.test_scopes)
        {
            for tests in self.tests.get_mut(span.clone()).unwrap_or_default() {
                *tests = true;
            }
        }
    }
}

fn parse(text: &str, language: Language) -> Option<tree_sitter::Tree> {
    if text.len() > SOURCE_BYTES_MAX {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    let mut steps = 0;
    let begin = Instant::now();
    let mut progress = |_: &tree_sitter::ParseState| {
        steps += 1;
        // Where a text is no program, one step can take long.
        if steps > STEPS_MAX || begin.elapsed() > PARSE_TIME_MAX {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    };
    let bytes = text.as_bytes();
    let mut from = |at: usize, _: tree_sitter::Point| bytes.get(at..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut from, None, Some(options))
}

/// A node that was entered and not left yet.
struct Frame {
    shape: Shape,
    kind: &'static str,
    field: Option<&'static str>,
    start: usize,
    line: u32,
    /// Which of the code's functions it is, where it is one with a name.
    function: Option<usize>,
    /// The tokens of its body or label, once they are known.
    inner: Option<Range<usize>>,
    /// How many names and marks it added.
    names: usize,
    marks: usize,
    /// Its condition never holds.
    dead: bool,
}

struct Walk<'t, 'c> {
    text: &'t str,
    code: &'c mut Code<'t>,
    frames: Vec<Frame>,
    names: Vec<String>,
    marks: Vec<String>,
    /// Marks of what comes next.
    pending: Vec<String>,
    /// A test's macro that a grammar took for a call, when its body comes next.
    macro_before: Option<String>,
}

impl<'t, 'c> Walk<'t, 'c> {
    fn new(text: &'t str, code: &'c mut Code<'t>) -> Self {
        Self {
            text,
            code,
            frames: Vec::new(),
            names: Vec::new(),
            marks: Vec::new(),
            pending: Vec::new(),
            macro_before: None,
        }
    }

    /// Walks the whole tree; false where it is too large.
    fn run(mut self, mut cursor: TreeCursor<'_>) -> bool {
        for _ in 0..NODES_MAX {
            if self.enter(&cursor) && cursor.goto_first_child() {
                continue;
            }
            loop {
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    return true;
                }
                self.leave();
            }
        }
        false
    }

    /// Whether the node's children are to be visited.
    fn enter(&mut self, cursor: &TreeCursor<'_>) -> bool {
        let node = cursor.node();
        if node.kind() != "compound_statement" {
            self.macro_before = None;
        }
        let text = self.text.get(node.byte_range()).unwrap_or_default();
        let line = u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX);
        let shape = self.code.language.shape(node.kind());
        if shape == Shape::Comment {
            self.code.comments.push((line, text.trim_end()));
            return false;
        }
        if shape == Shape::Text || node.child_count() == 0 {
            self.leaf(&node, cursor.field_name(), text, line);
            return false;
        }
        let mut frame = Frame {
            shape,
            kind: node.kind(),
            field: cursor.field_name(),
            start: self.code.tokens.len(),
            line,
            function: None,
            inner: None,
            names: 0,
            marks: 0,
            dead: false,
        };
        self.open(&node, &mut frame);
        if frame.kind == "block" && self.code.language == Language::Python {
            self.indent("{", line);
        }
        self.frames.push(frame);
        true
    }

    fn leaf(&mut self, node: &Node<'_>, field: Option<&'static str>, text: &'t str, line: u32) {
        let shape = self.code.language.shape(node.kind());
        let (tokens, comments) = (&mut self.code.tokens, &mut self.code.comments);
        let start = tokens.len();
        if shape == Shape::Text {
            let kind = Kind::Text;
            tokens.push(Token { kind, text, line });
        } else if matches!(node.kind(), "preproc_arg" | "ERROR" | "jsx_text") {
            lexer::cut(text, self.code.language, line, tokens, comments);
        } else if !text.trim().is_empty() {
            let kind = lexer::kind_of(text);
            tokens.push(Token { kind, text, line });
        }
        let tokens = start..self.code.tokens.len();
        // A statement of one word, such as `pass`.
        self.closed(shape, node.kind(), field, &tokens, line);
    }

    fn indent(&mut self, text: &'static str, line: u32) {
        let kind = Kind::Indent;
        self.code.tokens.push(Token { kind, text, line });
    }

    fn open(&mut self, node: &Node<'_>, frame: &mut Frame) {
        match frame.shape {
            Shape::Function => {
                let near = self.frames.len() < DEPTH_MAX;
                let (text, language) = (self.text, self.code.language);
                let name = near
                    .then(|| naming::function(node, text, language))
                    .flatten();
                self.open_function(node, frame, name);
            }
            Shape::Block => {
                if let Some(name) = self.macro_before.take()
                    && frame.kind == "compound_statement"
                {
                    self.open_function(node, frame, Some(naming::Named::test(name)));
                    frame.shape = Shape::Function;
                    frame.kind = "test_block";
                }
            }
            Shape::Scope if self.frames.len() < DEPTH_MAX => {
                self.names.push(naming::scope(node, self.text));
                frame.names = 1;
                frame.marks = self.pending.len();
                self.marks.append(&mut self.pending);
            }
            Shape::If | Shape::Conditional => {
                frame.dead = naming::never_holds(node, self.text);
            }
            _ => {}
        }
    }

    fn open_function(&mut self, node: &Node<'_>, frame: &mut Frame, name: Option<naming::Named>) {
        let own = std::mem::take(&mut self.pending);
        let Some(named) = name.filter(|_| self.frames.len() < DEPTH_MAX) else {
            return;
        };
        let outer = self.names.join("::");
        let outside = self.frames.iter().any(|frame| frame.function.is_some());
        self.names.push(named.name);
        frame.names = 1;
        frame.marks = own.len();
        self.marks.extend(own);
        self.marks.extend(named.mark.iter().cloned());
        frame.marks += usize::from(named.mark.is_some());
        let marks = self.marks.clone();
        let is_test = named.is_test || marks.iter().any(|mark| naming::is_test_mark(mark));
        let hidden = outer.split("::").any(|name| name.starts_with(['_', '(']));
        frame.function = Some(self.code.functions.len());
        self.code.functions.push(Function {
            name: self.names.join("::"),
            line: frame.line,
            marks,
            params: naming::params(node, self.text),
            span: frame.start..frame.start,
            body: None,
            statements: Vec::new(),
            public: named.public && !outside && !hidden,
            is_test,
        });
    }

    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if frame.kind == "block" && self.code.language == Language::Python {
            let line = self.code.tokens.last().map_or(frame.line, |last| last.line);
            self.indent("}", line);
        }
        let tokens = frame.start..self.code.tokens.len();
        self.names.truncate(self.names.len() - frame.names);
        let kept = self.marks.len() - frame.marks;
        let own = self.marks.get(kept..).unwrap_or_default();
        let of_tests = own.iter().any(|mark| naming::is_test_mark(mark));
        self.marks.truncate(kept);
        if let Some(function) = frame
            .function
            .and_then(|at| self.code.functions.get_mut(at))
        {
            function.span = tokens.clone();
            if frame.kind == "test_block" {
                function.body = Some(tokens.clone());
            }
        }
        match frame.shape {
            Shape::Mark => self.pending.push(self.code.line_of(&tokens)),
            Shape::Scope if of_tests => self.code.test_scopes.push(tokens.clone()),
            Shape::Statement if frame.kind == "expression_statement" => {
                let first = self.code.slice(&tokens).first();
                let is_macro = first.is_some_and(|first| naming::is_test_macro(first.text));
                let open = self.code.language.is_c_like() && is_macro;
                self.macro_before = open.then(|| self.code.line_of(&tokens));
            }
            Shape::Handler => {
                let guarded = self.guarded();
                self.code.handlers.push(Handler {
                    line: frame.line,
                    body: frame.inner.clone().unwrap_or(tokens.clone()),
                    tokens: tokens.clone(),
                    guarded,
                });
            }
            Shape::Case => {
                if let Some(label) = frame.inner.clone() {
                    self.code.cases.push((frame.line, label));
                }
            }
            Shape::If | Shape::Conditional if frame.dead => {
                self.code.dead.push((frame.line, tokens.clone()));
            }
            _ => {}
        }
        self.closed(frame.shape, frame.kind, frame.field, &tokens, frame.line);
    }

    /// What the node that just ended is to those around it.
    fn closed(
        &mut self,
        shape: Shape,
        kind: &'static str,
        field: Option<&str>,
        tokens: &Range<usize>,
        line: u32,
    ) {
        if shape == Shape::Statement {
            let tokens = tokens.clone();
            let statement = Statement { kind, line, tokens };
            self.code.statements.push(statement);
        }
        let rust = self.code.language == Language::Rust;
        let Some(parent) = self.frames.last_mut() else {
            return;
        };
        let is_inner = match parent.shape {
            Shape::Function | Shape::Try => field == Some("body"),
            Shape::Handler => shape == Shape::Block,
            Shape::Case if rust => field == Some("pattern"),
            Shape::Case => field == Some("value") || kind == "case_pattern",
            _ => false,
        };
        if is_inner && parent.inner.is_none() {
            parent.inner = Some(tokens.clone());
            if let Some(at) = parent.function
                && let Some(function) = self.code.functions.get_mut(at)
            {
                function.body = Some(tokens.clone());
                // A body without a block is what the function gives back.
                if shape != Shape::Block {
                    let (kind, tokens) = ("return_statement", tokens.clone());
                    function.statements.push(Statement { kind, line, tokens });
                }
            }
            return;
        }
        self.statement_of_a_body(kind, tokens, line);
    }

    fn statement_of_a_body(&mut self, kind: &'static str, tokens: &Range<usize>, line: u32) {
        let is_word = |token: &Token<'_>| token.kind != Kind::Punctuation;
        if matches!(kind, "{" | "}" | ";" | "attribute_item") || tokens.is_empty() {
            return;
        }
        let [.., around, parent] = self.frames.as_slice() else {
            return;
        };
        let at = if parent.kind == "test_block" {
            parent.function
        } else if parent.shape == Shape::Block && parent.field == Some("body") {
            around.function
        } else {
            None
        };
        let Some(at) = at else { return };
        // A brace or semicolon that stands alone says nothing.
        let says = self.code.slice(tokens).iter().any(is_word);
        if let Some(function) = self.code.functions.get_mut(at).filter(|_| says) {
            let tokens = tokens.clone();
            function.statements.push(Statement { kind, line, tokens });
        }
    }

    /// What the innermost `try` guards.
    fn guarded(&self) -> Range<usize> {
        let around = self.frames.iter().rev();
        let mut tries = around.filter(|frame| frame.shape == Shape::Try);
        tries
            .next()
            .and_then(|frame| frame.inner.clone())
            .unwrap_or(0..0)
    }
}
