//! Owns what of a run's behaviour can be compared with another's: how it ended and what it printed,
//! without what differs from run to run by itself.

use serde::{Deserialize, Serialize};

/// The most that is kept of one output for showing where it differs, in bytes.
const KEPT_BYTES_MAX: usize = 16 << 10;
/// The most of a line that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// How much of a line is left where it lost its end, at least: an empty line may be another answer.
const LOST_FROM_CHARS: usize = 16;

/// How a run ends that did what it was asked for.
const DONE: &str = "exit code 0";
/// Words by which programs say that they refuse something.
const REFUSALS: [&str; 9] = [
    "refused",
    "rejected",
    "denied",
    "error",
    "invalid",
    "malformed",
    "illegal",
    "unacceptable",
    "forbidden",
];
/// The multiplier of the hash FNV-1a.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// What a run did as far as its user can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Behaviour {
    /// How it ended.
    pub(super) end: String,
    stdout: Printed,
    stderr: Printed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Printed {
    /// The beginning.
    text: String,
    /// All of it that was read: its length, and a hash that tells differences past the beginning.
    length: usize,
    hash: u64,
}

impl Behaviour {
    pub(super) fn new(end: String, stdout: &str, stderr: &str) -> Self {
        Self {
            end,
            stdout: Printed::new(stdout),
            stderr: Printed::new(stderr),
        }
    }

    /// Did it end as one does that was of use?
    pub(super) fn is_done(&self) -> bool {
        self.end == DONE
    }

    /// A number that stands for all of it.
    pub(super) fn mark(&self) -> u64 {
        let ended = fnv(&self.end);
        let outputs = [self.stdout.hash, self.stderr.hash];
        outputs.iter().fold(ended, |mark, hash| {
            (mark.rotate_left(7) ^ hash).wrapping_mul(FNV_PRIME)
        })
    }

    /// Do both refuse what they were given, saying it in other words?
    pub(super) fn refuses_like(&self, after: &Self) -> bool {
        if self.end == after.end && self.stderr == after.stderr && self.rewords(after) {
            return true;
        }
        let refuses = |it: &Self| it.end != DONE;
        let is_begun = |one: &Printed, other: &Printed| {
            one.length <= one.text.len() && other.text.starts_with(&one.text)
        };
        refuses(self)
            && refuses(after)
            && (self.stdout == after.stdout
                || is_begun(&self.stdout, &after.stdout)
                || is_begun(&after.stdout, &self.stdout))
    }

    /// Does the output differ in one line alone, which says in both that something is refused?
    fn rewords(&self, after: &Self) -> bool {
        let (old, new) = (&self.stdout, &after.stdout);
        let is_whole = |it: &Printed| it.length <= it.text.len();
        let mut differing = old.text.lines().zip(new.text.lines());
        let mut differing = differing.by_ref().filter(|(one, other)| one != other);
        let refuses = |line: &str| {
            let mut words = line.split(|c: char| !c.is_ascii_alphabetic());
            words.any(|word| REFUSALS.iter().any(|it| word.eq_ignore_ascii_case(it)))
        };
        is_whole(old)
            && is_whole(new)
            && old.text.lines().count() == new.text.lines().count()
            && differing
                .next()
                .is_some_and(|(one, other)| refuses(one) && refuses(other))
            && differing.next().is_none()
    }

    /// Do both say that all is well, and does a line of the output lose its end in `after`?
    pub(super) fn loses(&self, after: &Self) -> bool {
        if self.end != DONE || after.end != DONE {
            return false;
        }
        let (old, new) = (self.stdout.text.lines(), after.stdout.text.lines());
        let differing = old.zip(new).find(|(one, other)| one != other);
        differing.is_some_and(|(one, other)| {
            let is_telling = other.chars().filter(|c| c.is_alphanumeric()).count() > 2;
            let left = other.chars().count();
            let is_long = left >= LOST_FROM_CHARS;
            let is_cut = one.starts_with(other);
            is_cut && (is_long || is_telling && left * 2 > one.chars().count())
                || drops_later(one, other)
        })
    }

    /// The first thing that differs in `after`, in words.
    pub(super) fn difference(&self, after: &Self) -> Option<String> {
        if self.end != after.end {
            return Some(format!("{} became {}", self.end, after.end));
        }
        let streams = [
            ("output", &self.stdout, &after.stdout),
            ("error output", &self.stderr, &after.stderr),
        ];
        streams
            .into_iter()
            .find_map(|(name, before, after)| before.difference(name, after))
    }
}

/// Does `other` leave out, from some place on, letters that it keeps before that place? Who takes a
/// letter out on purpose does so everywhere.
fn drops_later(one: &str, other: &str) -> bool {
    let same = one.chars().zip(other.chars());
    let kept: usize = same
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len_utf8())
        .sum();
    let (head, old, new) = (&one[..kept], &one[kept..], &other[kept..]);
    let Some(dropped) = old.chars().next() else {
        return false;
    };
    // Once may be chance, and blanks go at the end of a line.
    let is_telling = !dropped.is_whitespace() && old.matches(dropped).count() > 1;
    let is_kept_before = head.contains(dropped) && head.chars().count() >= LOST_FROM_CHARS;
    let left = old.chars().filter(|letter| *letter != dropped);
    is_telling && is_kept_before && left.eq(new.chars())
}

impl Printed {
    fn new(text: &str) -> Self {
        let text = normalised(text);
        let hash = fnv(&text);
        let mut end = text.len().min(KEPT_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            length: text.len(),
            hash,
            text: text[..end].to_owned(),
        }
    }

    fn difference(&self, name: &str, after: &Self) -> Option<String> {
        if self == after {
            return None;
        }
        let (mut old, mut new) = (self.text.lines(), after.text.lines());
        for number in 1_usize.. {
            let (one, other) = (old.next(), new.next());
            match (one, other) {
                (None, None) => break,
                (one, other) if one == other => {}
                (one, other) => {
                    let shown = |line: Option<&str>| match line {
                        Some(line) => {
                            let line: String = line.chars().take(SHOWN_CHARS_MAX).collect();
                            format!("`{}`", line.escape_debug())
                        }
                        None => "nothing".into(),
                    };
                    let (one, other) = (shown(one), shown(other));
                    return Some(format!("line {number} of its {name}: {one} became {other}"));
                }
            }
        }
        Some(format!("its {name} differs"))
    }
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

/// Without addresses, process numbers and times, which differ from run to run.
fn normalised(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(letter) = rest.chars().next() {
            let before = plain.chars().next_back();
            let begins_word = !before.is_some_and(|it| it.is_alphanumeric() || it == '_');
            let taken = if begins_word { varying(rest) } else { None };
            if let Some((length, mark)) = taken {
                plain.push_str(mark);
                rest = &rest[length..];
            } else {
                plain.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    plain
}

/// What begins here and varies: how long it is, and what stands for it.
fn varying(rest: &str) -> Option<(usize, &'static str)> {
    let run = |text: &str, is: fn(&u8) -> bool| text.bytes().take_while(is).count();
    if let Some(hex) = rest.strip_prefix("0x") {
        let digits = run(hex, u8::is_ascii_hexdigit);
        return (digits >= 6).then_some((digits + 2, "<address>"));
    }
    if let Some(number) = rest.strip_prefix("==") {
        let digits = run(number, u8::is_ascii_digit);
        let closes = number[digits..].starts_with("==");
        return (digits > 0 && closes).then_some((digits + 4, "==<process>=="));
    }
    if rest.starts_with("/tmp/") {
        let length = rest.find(|c: char| c.is_whitespace() || "'\":,)".contains(c));
        return Some((length.unwrap_or(rest.len()), "<temporary>"));
    }
    let digits = run(rest, u8::is_ascii_digit);
    if digits == 0 {
        return None;
    }
    // `12:34:56`, `12:34:56.789` and `2024-01-31`.
    let is_time = |separator: char, lengths: &[usize]| {
        let mut length = 0;
        for (index, digits) in lengths.iter().enumerate() {
            if index > 0 {
                rest[length..].strip_prefix(separator)?;
                length += 1;
            }
            if run(&rest[length..], u8::is_ascii_digit) != *digits {
                return None;
            }
            length += digits;
        }
        Some(length)
    };
    if let Some(length) = is_time(':', &[2, 2, 2]) {
        let fraction = rest[length..].strip_prefix('.').map_or(0, |it| {
            let digits = run(it, u8::is_ascii_digit);
            if digits > 0 { digits + 1 } else { 0 }
        });
        return Some((length + fraction, "<time>"));
    }
    if let Some(length) = is_time('-', &[4, 2, 2]) {
        return Some((length, "<date>"));
    }
    // `0.012 s`, `12ms`, `3.5 seconds`.
    let fraction = rest[digits..].strip_prefix('.').map_or(0, |it| {
        let digits = run(it, u8::is_ascii_digit);
        if digits > 0 { digits + 1 } else { 0 }
    });
    let number = digits + fraction;
    let unit = rest[number..].strip_prefix(' ').unwrap_or(&rest[number..]);
    let gap = rest.len() - number - unit.len();
    let word = run(unit, u8::is_ascii_alphabetic);
    let is_unit = matches!(&unit[..word], "s" | "ms" | "us" | "ns" | "sec" | "seconds");
    is_unit.then_some((number + gap + word, "<duration>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_by_itself_is_no_difference_and_the_rest_is() {
        let run = |out: &str| Behaviour::new("exit code 0".into(), out, "");
        for (one, other) in [
            ("at 0x7ffd1234abcd", "at 0x55550000abcd"),
            ("==12==ERROR", "==345==ERROR"),
            ("done in 0.012 s", "done in 1.5 s"),
            ("2024-01-31 12:34:56.789 x", "2025-02-01 01:02:03.4 x"),
            ("wrote /tmp/ab12", "wrote /tmp/cd34"),
        ] {
            assert_eq!(run(one).difference(&run(other)), None, "{one}");
        }
        for (one, other) in [
            ("3 rows", "4 rows"),
            ("0xff", "0xfe"),
            ("a1s", "a2s"),
            ("v1.2.3", "v1.2.4"),
            ("é", "è"),
        ] {
            assert!(run(one).difference(&run(other)).is_some(), "{one}");
        }
        let said = run("a\nb\n").difference(&run("a\nc\n")).unwrap();
        assert_eq!(said, "line 2 of its output: `b` became `c`");
        let failing = Behaviour::new("exit code 1".into(), "", "");
        assert_eq!(
            run("a").difference(&failing).unwrap(),
            "exit code 0 became exit code 1"
        );
    }

    #[test]
    fn a_refusal_in_other_words_is_known_also_where_the_program_ends_well() {
        let run = |out: &str| Behaviour::new(DONE.into(), out, "");
        let before = run("a: fine\nb: refused: wrong signature\n");
        assert!(before.refuses_like(&run("a: fine\nb: refused: bad signature\n")));
        for other in [
            "a: fine\nb: fine\n",
            "a: refused: bad name\nb: refused: bad signature\n",
            "a: fine\nb: refused: bad signature\nmore\n",
        ] {
            assert!(!before.refuses_like(&run(other)), "{other}");
        }
    }

    #[test]
    fn a_line_that_loses_its_end_without_a_word_is_known() {
        let run = |end: &str, out: &str| Behaviour::new(end.into(), out, "");
        let text = "a rather long text, and its end\nmore\n";
        let before = run(DONE, text);
        assert!(before.loses(&run(DONE, "a rather long text,\nmore\n")));
        assert!(!before.loses(&run("exit code 1", "a rather long text,\nmore\n")));
        for other in ["\nmore\n", "another text\nmore\n", text] {
            assert!(!before.loses(&run(DONE, other)), "{other}");
        }
        let quoted = run(DONE, "said \"yes\" rather often, \"no\" never\n");
        assert!(quoted.loses(&run(DONE, "said \"yes\" rather often, no never\n")));
        for other in [
            "said yes rather often, no never\n",
            "said \"yes\" rather often, no\" never\n",
            "said \"yes\" rather often, \"no\" ever\n",
        ] {
            assert!(!quoted.loses(&run(DONE, other)), "{other}");
        }
    }

    #[test]
    fn a_difference_past_what_is_kept_is_seen() {
        let long = |end: &str| {
            let text = format!("{}{end}", "x".repeat(KEPT_BYTES_MAX));
            Behaviour::new("exit code 0".into(), &text, "")
        };
        assert_eq!(long("a").difference(&long("a")), None);
        assert!(long("a").difference(&long("b")).is_some());
    }
}
