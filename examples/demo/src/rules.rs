//! The rulebook: one rule a line, in shell words. Parses and prints rules; never reads a log.
//!
//! ```text
//! # name      severity  pattern                 action, if any
//! disk-full   high      'No space left on \S+'  page --team storage
//! ```

use std::fmt;
use std::str::FromStr;

use regex::Regex;

/// Tells how soon a person should look. Ordered: the most urgent is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Low,
    Medium,
    High,
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "low" => Ok(Severity::Low),
            "medium" => Ok(Severity::Medium),
            "high" => Ok(Severity::High),
            other => Err(format!("unknown severity `{other}`")),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        })
    }
}

/// Names a kind of line and what to do about it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub severity: Severity,
    pub pattern: Regex,
    /// The command and its arguments; empty when the rule only counts.
    pub action: Vec<String>,
}

impl Rule {
    /// Parses one line. The error is a fragment without the line's number.
    fn parse(line: &str) -> Result<Rule, String> {
        let words = shlex::split(line).ok_or("unfinished quote or escape")?;
        let mut words = words.into_iter();
        let (Some(name), Some(severity), Some(pattern)) =
            (words.next(), words.next(), words.next())
        else {
            return Err("a rule needs a name, a severity and a pattern".to_string());
        };
        Ok(Rule {
            name,
            severity: severity.parse()?,
            pattern: Regex::new(&pattern).map_err(|error| error.to_string())?,
            action: words.collect(),
        })
    }

    /// Writes the action for one line of a log as a command that a shell reads back unchanged.
    ///
    /// Returns `None` for a rule that only counts.
    pub fn command_for(&self, line: &str) -> Option<String> {
        if self.action.is_empty() {
            return None;
        }
        let words = self.action.iter().map(String::as_str).chain([line]);
        Some(words.map(shlex::quote).collect::<Vec<_>>().join(" "))
    }
}

/// Holds the rules in the order of the file: the first that matches a line takes it.
#[derive(Clone, Debug, Default)]
pub struct Rulebook {
    pub rules: Vec<Rule>,
}

impl Rulebook {
    /// Parses a whole file. Returns every rule that could be read and a message for each that
    /// could not, so that one bad line does not silence the others.
    pub fn parse(text: &str) -> (Rulebook, Vec<String>) {
        let mut book = Rulebook::default();
        let mut problems = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Rule::parse(line) {
                Ok(rule) => book.rules.push(rule),
                Err(problem) => problems.push(format!("line {}: {problem}", index + 1)),
            }
        }
        (book, problems)
    }

    /// Finds the first rule that matches, as an index into `rules`.
    pub fn first_match(&self, line: &str) -> Option<usize> {
        self.rules
            .iter()
            .position(|rule| rule.pattern.is_match(line))
    }

    /// Prints the rulebook as it was understood, one rule a line, for a reviewer to compare with
    /// last week's.
    pub fn dump(&self) -> String {
        self.rules
            .iter()
            .map(|rule| {
                let action = if rule.action.is_empty() {
                    "count only".to_string()
                } else {
                    rule.action.join(" ")
                };
                // `{:?}` because the regex crate prints a pattern there as it was written.
                format!(
                    "{:<12} {:<6} {:?} => {action}\n",
                    rule.name, rule.severity, rule.pattern
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_rule(line: &str) -> Rule {
        let (mut book, problems) = Rulebook::parse(line);
        assert_eq!(problems, Vec::<String>::new());
        book.rules.remove(0)
    }

    #[test]
    fn a_quoted_pattern_keeps_its_spaces() {
        let rule = one_rule("disk-full high 'No space left' page --team storage");
        assert_eq!(rule.pattern.as_str(), "No space left");
        assert_eq!(rule.action, ["page", "--team", "storage"]);
    }

    #[test]
    fn comments_and_blank_lines_are_not_rules() {
        let (book, problems) = Rulebook::parse("# nothing\n\n   \n  # here\n");
        assert!(book.rules.is_empty());
        assert!(problems.is_empty());
    }

    #[test]
    fn a_bad_line_is_reported_and_the_rest_is_kept() {
        let text = "a low x\nb urgent y\nc low 'open\nd high (\ne medium z\n";
        let (book, problems) = Rulebook::parse(text);
        let names: Vec<_> = book.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names, ["a", "e"]);
        assert_eq!(problems.len(), 3);
        assert_eq!(problems[0], "line 2: unknown severity `urgent`");
        assert_eq!(problems[1], "line 3: unfinished quote or escape");
        assert!(problems[2].starts_with("line 4: "));
    }

    #[test]
    fn the_first_rule_that_matches_takes_the_line() {
        let (book, _) =
            Rulebook::parse("specific high 'timeout after \\d+s'\ngeneral low timeout\n");
        assert_eq!(book.first_match("db: timeout after 30s"), Some(0));
        assert_eq!(book.first_match("db: timeout"), Some(1));
        assert_eq!(book.first_match("db: fine"), None);
    }

    #[test]
    fn a_command_reads_back_as_the_words_that_went_in() {
        let rule = one_rule("odd medium odd notify --to 'night desk'");
        let line = "odd \"quotes\", a $dollar and 'more'";
        let command = rule.command_for(line).unwrap();
        assert_eq!(
            shlex::split(&command).unwrap(),
            ["notify", "--to", "night desk", line]
        );
    }

    #[test]
    fn a_rule_without_an_action_has_no_command() {
        assert_eq!(one_rule("noise low chatter").command_for("chatter"), None);
    }

    #[test]
    fn severities_are_ordered_by_urgency() {
        assert!(Severity::High > Severity::Medium && Severity::Medium > Severity::Low);
        assert_eq!(format!("[{:<6}]", Severity::Low), "[low   ]");
    }
}
