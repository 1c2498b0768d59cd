//! Makes variants that come to the same flaw by another way: another command, another key, other
//! numbers. Pure; every list is bounded.

use serde_json::{Map, Value};

use super::mutate::{numbers, replaced, text};
use super::texts::{JSON_BYTES_MAX, gather, object};

/// The most lines that are varied.
const LINES_MAX: usize = 16;
/// The most words that stand for a command.
const COMMANDS_MAX: usize = 16;
/// How many pairs of numbers are set to where their product wraps.
const PRODUCTS_MAX: usize = 6;
/// A number that is ordinary, and more than where a wrapped product leaves room for.
const FAR: u64 = 50;
/// Keys, one in the other, that lead to what all objects of a language share.
const SHARED: [&[&str]; 4] = [
    &["__proto__"],
    &["constructor", "prototype"],
    &["__proto__", "__proto__"],
    &["constructor", "__proto__"],
];

/// A text of lines, each of which is a command: another command in a line's place, with what it is
/// given and without, and one more before it, likewise. `words` are those that the project knows,
/// the likeliest first.
pub(super) fn commands(input: &[u8], words: &[String]) -> [Vec<Vec<u8>>; 3] {
    let mut made = [Vec::new(), Vec::new(), Vec::new()];
    let lines: Vec<&str> = match text(input) {
        Some(text) => text.lines().collect(),
        None => Vec::new(),
    };
    if lines.len() < 2 {
        return made;
    }
    // The commands for each line in turn, so that no line is left out.
    for word in words.iter().take(COMMANDS_MAX) {
        for (at, line) in lines.iter().enumerate().take(LINES_MAX) {
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            if first == word {
                continue;
            }
            let with_rest = format!("{word} {rest}");
            let mut with = |manner: usize, new: &[&str]| {
                let all = [&lines[..at], new, &lines[at + 1..]].concat();
                made[manner].push(format!("{}\n", all.join("\n")).into_bytes());
            };
            with(0, &[word]);
            if !rest.is_empty() {
                with(1, &[&with_rest]);
                with(2, &[&with_rest, line]);
            }
            with(2, &[word, line]);
        }
    }
    made
}

/// An input that shows the flaw within one that shows none: after its first lines, and before what
/// is left of them. What is not of lines is put in at a few places.
pub(super) fn within(input: &[u8], other: &[u8]) -> Vec<Vec<u8>> {
    let ends = other.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut places: Vec<usize> = ends.map(|(at, _)| at + 1).take(LINES_MAX).collect();
    if places.len() < 2 {
        let step = other.len().div_ceil(LINES_MAX).max(1);
        places = (1..=other.len()).step_by(step).collect();
    }
    let last = input.strip_suffix(b"\n").unwrap_or(input);
    let mut made = Vec::new();
    for at in places {
        let (head, tail) = other.split_at(at);
        made.push([head, input].concat());
        made.push([head, input, tail].concat());
        // Without what ends it all.
        made.push([head, &last[..last.len().saturating_sub(1)], tail].concat());
    }
    made
}

/// What stands on either side of a `=` or `:` in each other's place, and what begins with a percent
/// sign as other codes: halves of letters, and none.
pub(super) fn turned(input: &[u8]) -> Vec<Vec<u8>> {
    let Some(text) = text(input) else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for (at, sign) in text.match_indices(['=', ':']).take(LINES_MAX) {
        let ends = |letter: char| letter.is_whitespace() || ";,&\"'=:{}[]()".contains(letter);
        let (head, tail) = (&text[..at], &text[at + sign.len()..]);
        let from = head.rfind(ends).map_or(0, |before| {
            before + head[before..].chars().next().map_or(0, char::len_utf8)
        });
        let to = tail.find(ends).unwrap_or(tail.len());
        let (begin, end) = (&head[..from], &tail[to..]);
        made.push(format!("{begin}{}{sign}{}{end}", &tail[..to], &head[from..]).into_bytes());
    }
    for (at, _) in text.match_indices('%').take(LINES_MAX) {
        for code in ["%c3", "%zz", "%e2%82", "%"] {
            made.push(format!("{}{code}{}", &text[..at], &text[at + 1..]).into_bytes());
            made.push(format!("{}{code} {}", &text[..at], &text[at + 1..]).into_bytes());
        }
    }
    made
}

/// Two numbers, one after the other, whose product with a small third no longer fits in 32 bits and
/// wraps to little; as the rest is, and with the other numbers far beyond what little holds.
pub(super) fn products(input: &[u8]) -> Vec<Vec<u8>> {
    let all: Vec<_> = numbers(input).into_iter().take(PRODUCTS_MAX + 1).collect();
    let with = |pair: usize, values: [u64; 2], others: Option<u64>| {
        let mut made = input.to_vec();
        for (number, (from, to)) in all.iter().enumerate().rev() {
            let value = match number.checked_sub(pair) {
                Some(which @ (0 | 1)) => Some(values[which]),
                Some(_) | None => others,
            };
            if let Some(value) = value {
                made = replaced(&made, *from, *to, value.to_string().as_bytes());
            }
        }
        made
    };
    let mut made = Vec::new();
    let firsts = all.split_last().map_or(&[][..], |(_, firsts)| firsts);
    for (pair, (from, to)) in firsts.iter().copied().enumerate() {
        let own = std::str::from_utf8(&input[from..to]).ok();
        let own = own.and_then(|it| it.parse().ok());
        for factor in [1, 3, 4] {
            for value in [own.unwrap_or(2), 0x1_0001, 2] {
                if !(1..1 << 28).contains(&value) {
                    continue;
                }
                let partner = (1 << 32) / (value * factor) + 1;
                for others in [None, Some(FAR)] {
                    made.push(with(pair, [value, partner], others));
                }
            }
        }
    }
    made
}

/// A JSON text whose keys that lead to what all objects share are other ones that lead there, at
/// their own places and below other keys.
pub(super) fn other_keys(input: &[u8]) -> Vec<Vec<u8>> {
    if input.len() > JSON_BYTES_MAX {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_slice::<Value>(input) else {
        return Vec::new();
    };
    let mut pointers = Vec::new();
    gather(&value, String::new(), &mut pointers);
    let mut made = Vec::new();
    for pointer in pointers {
        let Some(Value::Object(members)) = value.pointer(&pointer) else {
            continue;
        };
        for (path, inner) in SHARED
            .iter()
            .filter_map(|path| Some((path, below(members, path)?)))
        {
            for other in SHARED {
                let mut renamed = members.clone();
                renamed.remove(path[0]);
                renamed.insert(other[0].to_owned(), nested(&other[1..], inner.clone()));
                let renamed = Value::Object(renamed);
                for outer in [&[][..], &["a"], &["a", "b"]] {
                    let mut whole = value.clone();
                    if let Some(place) = whole.pointer_mut(&pointer) {
                        *place = nested(outer, renamed.clone());
                        made.push(whole.to_string().into_bytes());
                    }
                }
            }
        }
    }
    made
}

/// What is at the end of a path of keys.
fn below<'value>(members: &'value Map<String, Value>, path: &[&str]) -> Option<&'value Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(members.get(*first)?, |value, key| value.get(*key))
}

/// A value below keys, the first of them outermost.
fn nested(keys: &[&str], value: Value) -> Value {
    keys.iter()
        .rev()
        .fold(value, |value, key| object(key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(made: &[Vec<u8>], wanted: &str) -> bool {
        made.iter().any(|it| it == wanted.as_bytes())
    }

    #[test]
    fn sides_change_places_and_codes_become_halves_of_letters() {
        let made = turned(b"a=dark; sale=50%; b=1");
        for wanted in ["a=dark; 50%=sale; b=1", "a=dark; sale=50%c3; b=1"] {
            assert!(made.contains(&wanted.as_bytes().to_vec()), "{wanted}");
        }
        assert!(turned("\u{e9}=\u{e9}:".repeat(400).as_bytes()).len() < 100);
        assert!(turned(b"").is_empty() && turned(b"\xff=").is_empty());
    }

    #[test]
    fn two_numbers_are_set_to_where_their_product_wraps() {
        let made = products(b"size 65536 65536\ndot 3 0 x\n");
        for wanted in [
            "size 65536 65537\ndot 3 0 x\n",
            "size 65536 65537\ndot 50 50 x\n",
            "size 2 2147483649\ndot 50 50 x\n",
        ] {
            assert!(made.contains(&wanted.as_bytes().to_vec()), "{wanted}");
        }
        let huge = products(&b"99999999999999999999999 1 0 ".repeat(400));
        assert!(huge.len() < 150 && products(b"7").is_empty() && products(b"").is_empty());
    }

    #[test]
    fn a_line_is_another_command_and_a_command_comes_before_it() {
        let words = ["drop".to_owned(), "clear".to_owned()];
        let [alone, given, before] = commands(b"add a\ndrop a\nshow\n", &words);
        assert!(holds(&alone, "add a\nclear\nshow\n"));
        assert!(holds(&given, "add a\nclear a\nshow\n"));
        assert!(holds(&before, "add a\ndrop a\nclear\nshow\n"));
        assert!(!holds(&given, "add a\ndrop a\nshow\n"));
        assert!(commands(b"one line", &words).iter().all(Vec::is_empty));
    }

    #[test]
    fn the_flaw_stands_within_an_ordinary_input() {
        let made = within(b"cos\nmkdir\ntR.", b"(dp0\nVuser\ns.\n");
        for wanted in [
            "(dp0\ncos\nmkdir\ntR.",
            "(dp0\nVuser\ncos\nmkdir\ntR.s.\n",
            "(dp0\nVuser\ncos\nmkdir\ntRs.\n",
        ] {
            assert!(holds(&made, wanted), "{wanted}");
        }
        assert!(within(b"", b"").is_empty() && within(b"x", &[7; 9999]).len() < 60);
    }

    #[test]
    fn keys_that_lead_to_what_all_objects_share_stand_for_one_another() {
        let made = other_keys(br#"[{"n":1},{"__proto__":{"x":true}}]"#);
        for wanted in [
            r#"[{"n":1},{"constructor":{"prototype":{"x":true}}}]"#,
            r#"[{"n":1},{"a":{"__proto__":{"x":true}}}]"#,
            r#"[{"n":1},{"a":{"constructor":{"prototype":{"x":true}}}}]"#,
        ] {
            assert!(holds(&made, wanted), "{wanted}");
        }
        let back = other_keys(br#"{"constructor":{"prototype":{"x":true}}}"#);
        assert!(holds(&back, r#"{"__proto__":{"x":true}}"#));
        assert!(other_keys(br#"{"a":1}"#).is_empty() && other_keys(b"no json").is_empty());
    }

    #[test]
    fn lists_are_bounded_whatever_the_input() {
        let words: Vec<String> = (0..100).map(|number| format!("word{number}")).collect();
        let made = commands("a b\n".repeat(20_000).as_bytes(), &words);
        assert!(made.iter().all(|made| made.len() < 600));
        let many = format!("[{}]", vec![r#"{"__proto__":{}}"#; 2000].join(","));
        assert!(other_keys(many.as_bytes()).len() < 4000);
    }
}
