//! A reproducer of a flaw in a project's own code: a command that is run in the project's tree,
//! with inputs that show the flaw and inputs that must go on working.

use crate::oracle::Oracle;

/// What stands for the input's file in a command.
pub const INPUT: &str = "{input}";

/// A command that shows a flaw of the tree in which it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeReproducer {
    /// What it is called in reports.
    pub name: String,
    /// The program and its arguments. [`INPUT`] in a word stands for the path of an input's file;
    /// where no word has it, an input is given as standard input.
    pub argv: Vec<String>,
    /// The inputs that show the flaw; none where the command needs none.
    pub inputs: Vec<Input>,
    /// Files that the command needs beside the project's own, each named by its path in the folder
    /// that it runs in.
    pub files: Vec<Input>,
    /// Inputs that show no flaw and must go on working.
    pub benign: Vec<Input>,
    /// How a run shows the flaw; recognised from the first red run where `None`.
    pub oracle: Option<Oracle>,
    /// The most that one run may take, in seconds.
    pub time_limit_s: u64,
    /// What builds the reproducer in the built tree, where it must be built.
    pub build: Option<Vec<String>>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its file's name.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// How a command is given its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As the path of a file, in a word of its own or inside one.
    Path,
    /// As standard input.
    StandardInput,
}

impl TreeReproducer {
    /// How it is given its input.
    pub fn delivery(&self) -> Delivery {
        if self.argv.iter().any(|word| word.contains(INPUT)) {
            Delivery::Path
        } else {
            Delivery::StandardInput
        }
    }

    /// Why it cannot be run at all.
    pub fn objection(&self) -> Option<&'static str> {
        match self.argv.first() {
            None => Some("the reproducer's command is empty"),
            Some(program) if program.is_empty() => Some("the reproducer's program has no name"),
            Some(_) if self.delivery() == Delivery::Path && self.inputs.is_empty() => {
                Some("the reproducer's command names `{input}`, and there is no input")
            }
            Some(_) => None,
        }
    }

    /// The command with the input's file in its place.
    pub fn command(&self, input: Option<&str>) -> Vec<String> {
        let path = input.unwrap_or_default();
        self.argv
            .iter()
            .map(|word| word.replace(INPUT, path))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reproducer(argv: &[&str], inputs: usize) -> TreeReproducer {
        let input = Input {
            name: "a".into(),
            bytes: vec![1],
        };
        TreeReproducer {
            name: "crash".into(),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            inputs: vec![input; inputs],
            files: Vec::new(),
            benign: Vec::new(),
            oracle: None,
            time_limit_s: 10,
            build: None,
        }
    }

    #[test]
    fn an_input_is_a_path_where_the_command_says_so_and_standard_input_elsewhere() {
        let by_path = reproducer(&["./tool", "--file={input}"], 1);
        assert_eq!(by_path.delivery(), Delivery::Path);
        assert_eq!(by_path.command(Some("/i/a")), ["./tool", "--file=/i/a"]);
        assert_eq!(
            reproducer(&["./tool"], 1).delivery(),
            Delivery::StandardInput
        );
    }

    #[test]
    fn a_command_that_is_empty_or_lacks_its_input_is_refused() {
        assert!(reproducer(&[], 0).objection().is_some());
        assert!(reproducer(&[""], 0).objection().is_some());
        assert!(reproducer(&["a", "{input}"], 0).objection().is_some());
        assert_eq!(reproducer(&["a"], 0).objection(), None);
    }
}
