//! Makes variants of inputs that are text: other words, separators, numbers, spellings and orders.
//! Pure; every list is bounded.

use serde_json::Value;

use super::mutate::{numbers, replaced, separates, stretches};

/// The most places of a text that are varied.
const PLACES_MAX: usize = 160;
/// The most words that stand for others.
const OTHERS_MAX: usize = 12;
/// The longest word made, in bytes.
const WORD_BYTES_MAX: usize = 64 << 10;
/// The most lines that are varied.
const LINES_MAX: usize = 24;
/// The longest text that is read as JSON, in bytes.
pub(super) const JSON_BYTES_MAX: usize = 64 << 10;

/// Numbers at which counts and sizes turn.
const NUMBERS: [&str; 30] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "8",
    "15",
    "16",
    "17",
    "31",
    "32",
    "33",
    "63",
    "64",
    "65",
    "100",
    "127",
    "128",
    "255",
    "256",
    "1000",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
];
/// Signs that names and texts have now and then.
const SIGNS: [&str; 8] = ["{", "}", "[", "-", "_", "+", "@", "\u{e9}"];
/// Lengths of words that a program meets every day.
const ORDINARY_LENGTHS: [usize; 7] = [10, 20, 33, 50, 70, 150, 300];
/// Numbers that it does.
const ORDINARY_NUMBERS: [u64; 12] = [1, 2, 3, 5, 10, 12, 20, 50, 100, 500, 1000, 2000];
/// The largest of them.
const ORDINARY_MAX: u64 = 4096;
/// A number that says much, and is ordinary all the same.
const MUCH: u64 = 1000;
/// Numbers that are hardly any.
const ODD_NUMBERS: [&str; 9] = [
    "-1",
    "-2147483648",
    "18446744073709551615",
    "18446744073709551616",
    "1e9",
    "0x10",
    "007",
    "+1",
    "99999999999999999999999999",
];
/// What is special in some language of texts.
const SPECIAL: [&str; 24] = [
    "%", "%zz", "%C3", "%00", "\\", "\"", "'", "/", ".", "*", "?", "[", "]", "(", "{", "<", "&",
    "=", ";", ",", "\t", "\r", "\u{0}", "\u{e9}",
];
/// Ways to leave a folder.
const UPS: [&str; 14] = [
    "../",
    "..\\",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%2f",
    "..%2F",
    "..%5c",
    "%2E%2E/",
    ".%2e/",
    "%252e%252e%252f",
    "....//",
    "./../",
    "x/../../",
    "//",
];

/// The words replaced, lengthened, removed and doubled, each alone.
pub(super) fn words(input: &[u8], others: &[String]) -> Vec<Vec<u8>> {
    let mut places = stretches(input, |byte| !separates(*byte));
    // What is only signs is no word: it may mean something to whoever reads the line.
    places.retain(|(from, to)| {
        input[*from..*to]
            .iter()
            .any(|byte| !byte.is_ascii_punctuation())
    });
    let own = places.iter().map(|(from, to)| input[*from..*to].to_vec());
    let known = others
        .iter()
        .take(OTHERS_MAX)
        .map(|it| it.clone().into_bytes());
    let all: Vec<Vec<u8>> = own.take(OTHERS_MAX).chain(known).collect();
    let mut made = Vec::new();
    for (from, to) in places.into_iter().take(PLACES_MAX / 4) {
        let word = &input[from..to];
        let renamed: Vec<u8> = word.iter().map(|byte| next(*byte)).collect();
        let upper = word.to_ascii_uppercase();
        made.extend(
            [&b""[..], &renamed, &upper, &word[..1]].map(|by| replaced(input, from, to, by)),
        );
        made.extend(all.iter().map(|other| replaced(input, from, to, other)));
        // Without the separator before it, and twice with it.
        made.push(replaced(input, from.saturating_sub(1), to, b""));
        let with_separator = &input[from.saturating_sub(1)..to];
        made.push(replaced(input, to, to, with_separator));
    }
    made
}

/// Far more fields in a line than it has.
pub(super) fn more_fields(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    let places = stretches(input, |byte| !separates(*byte));
    for (from, to) in places.into_iter().take(PLACES_MAX / 4) {
        let field = &input[from.saturating_sub(1)..to];
        for times in [3, 20, 200, 2000] {
            let times = times.min(1 + WORD_BYTES_MAX / field.len().max(1));
            made.push(replaced(input, to, to, &field.repeat(times)));
        }
    }
    made
}

/// Every word at many lengths.
pub(super) fn lengths(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for (from, to) in stretches(input, |byte| !separates(*byte))
        .into_iter()
        .take(PLACES_MAX / 4)
    {
        let word = &input[from..to];
        let mut length = 4;
        while length <= WORD_BYTES_MAX {
            for length in [length - 1, length, length + 1] {
                let longer: Vec<u8> = word.iter().copied().cycle().take(length).collect();
                made.push(replaced(input, from, to, &longer));
            }
            length *= if length < 1024 { 2 } else { 8 };
        }
        for longer in [
            word.len() + 1,
            word.len() + 2,
            word.len() + 3,
            word.len() + 8,
        ] {
            let longer: Vec<u8> = word.iter().copied().cycle().take(longer).collect();
            made.push(replaced(input, from, to, &longer));
        }
    }
    made
}

/// Every word somewhat longer, as long as that shows no flaw by itself: `edge` is the length that does.
pub(super) fn grown(input: &[u8], edge: Option<usize>) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for (from, to) in stretches(input, |byte| !separates(*byte))
        .into_iter()
        .take(PLACES_MAX / 4)
    {
        let word = &input[from..to];
        let own = word.len();
        // Nobody writes hundreds of signs, one after the other.
        let is_word = word.iter().any(u8::is_ascii_alphanumeric);
        let all = ORDINARY_LENGTHS.into_iter().filter(|_| is_word);
        for length in [own + 1, own * 2, own * 3].into_iter().chain(all) {
            if length > own && edge.is_none_or(|edge| length < edge) {
                let longer: Vec<u8> = word.iter().copied().cycle().take(length).collect();
                made.push(replaced(input, from, to, &longer));
            }
        }
    }
    made
}

/// A sign between letters stands several times; nothing that leads out of a folder comes of it.
pub(super) fn punctuated(input: &[u8]) -> Vec<Vec<u8>> {
    // Without those that speak to a shell or end a text.
    let is_sign = |byte: &u8| byte.is_ascii_punctuation() && !b";|&$`<>'\"\\#!".contains(byte);
    let mut made = Vec::new();
    for (from, to) in stretches(input, is_sign).into_iter().take(PLACES_MAX / 2) {
        if to - from > 1 {
            continue;
        }
        for times in [2, 6] {
            let more = replaced(input, from, to, &input[from..to].repeat(times));
            let leads_out = more
                .windows(3)
                .any(|part| part == b"../" || part == b"..\\");
            if !leads_out {
                made.push(more);
            }
        }
    }
    made
}

/// Words with a sign in them that means nothing special to a shell, a path or a page.
pub(super) fn with_signs(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    let words = stretches(input, u8::is_ascii_alphabetic).into_iter();
    for (from, to) in words
        .filter(|(from, to)| to - from > 2)
        .take(PLACES_MAX / 4)
    {
        let middle = usize::midpoint(from, to);
        for sign in SIGNS {
            made.push(replaced(input, middle, middle, sign.as_bytes()));
        }
    }
    made
}

/// A blank where a sign meets a letter.
pub(super) fn spaced(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    let meets = |pair: &[u8]| {
        pair[0].is_ascii_alphanumeric() && pair[1].is_ascii_punctuation()
            || pair[0].is_ascii_punctuation() && pair[1].is_ascii_alphanumeric()
    };
    let places = input.windows(2).enumerate().filter(|(_, pair)| meets(pair));
    let places: Vec<usize> = places.map(|(at, _)| at + 1).take(PLACES_MAX / 2).collect();
    made.extend(places.iter().map(|at| replaced(input, *at, *at, b" ")));
    made.extend(places.iter().map(|at| replaced(input, *at, *at, b"\t")));
    made
}

/// Each number as another that is as ordinary and shows no flaw by itself: `edge` is one that does.
/// First those that say much: what is refused for its size alone is told by few of them.
pub(super) fn counted(input: &[u8], edge: Option<u64>) -> [Vec<Vec<u8>>; 2] {
    let mut made = [Vec::new(), Vec::new()];
    for (from, to) in numbers(input).into_iter().take(PLACES_MAX / 4) {
        let own = std::str::from_utf8(&input[from..to]).ok();
        let own: u64 = own.and_then(|it| it.parse().ok()).unwrap_or(1);
        let near = [
            own.saturating_add(1),
            own.saturating_sub(1),
            own.saturating_mul(2),
        ];
        for value in near.into_iter().chain(ORDINARY_NUMBERS) {
            if value <= ORDINARY_MAX.max(own) && edge.is_none_or(|edge| value < edge) {
                let which = usize::from(value < MUCH.max(own));
                made[which].push(replaced(input, from, to, value.to_string().as_bytes()));
            }
        }
    }
    made
}

/// Each number at the edges.
pub(super) fn counts(input: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for (from, to) in numbers(input).into_iter().take(PLACES_MAX / 4) {
        let own: u64 = std::str::from_utf8(&input[from..to])
            .ok()
            .and_then(|it| it.parse().ok())
            .unwrap_or(0);
        let near = [
            own.wrapping_add(1),
            own.wrapping_sub(1),
            own.wrapping_mul(2),
            own / 2,
        ];
        let near = near.map(|value| value.to_string());
        let values = near
            .iter()
            .map(String::as_str)
            .chain(NUMBERS)
            .chain(ODD_NUMBERS);
        made.extend(values.map(|value| replaced(input, from, to, value.as_bytes())));
    }
    made
}

/// Something special stands in, before or instead of a character.
pub(super) fn special(input: &[u8]) -> Vec<Vec<u8>> {
    let step = input.len().div_ceil(PLACES_MAX / 4).max(1);
    let mut made = Vec::new();
    for at in (0..input.len()).step_by(step) {
        made.push(replaced(input, at, at + 1, b""));
        for special in SPECIAL {
            made.push(replaced(input, at, at, special.as_bytes()));
            made.push(replaced(input, at, at + 1, special.as_bytes()));
        }
    }
    made
}

/// Lines removed, doubled, swapped, and each at another's place.
pub(super) fn lines(input: &[u8]) -> Vec<Vec<u8>> {
    let all: Vec<&[u8]> = input
        .split_inclusive(|byte| *byte == b'\n')
        .take(LINES_MAX)
        .collect();
    let mut made = Vec::new();
    if all.len() < 2 {
        made.extend(
            [2, 3, 10, 200]
                .map(|times| input.repeat(times.min(1 + WORD_BYTES_MAX / input.len().max(1)))),
        );
        return made;
    }
    for at in 0..all.len() {
        let without: Vec<_> = all[..at].iter().chain(&all[at + 1..]).copied().collect();
        for times in [2, 3, 20, 300] {
            let times = times.min(1 + WORD_BYTES_MAX / all[at].len().max(1));
            let doubled = all[at].repeat(times);
            made.push([all[..at].concat(), doubled, all[at + 1..].concat()].concat());
        }
        for to in 0..all.len() {
            let mut moved = without.clone();
            moved.insert(to.min(moved.len()), all[at]);
            made.push(moved.concat());
            let mut again = all.clone();
            again.insert(to, all[at]);
            made.push(again.concat());
        }
        made.push(without.concat());
        made.push(all[..at].concat());
    }
    made
}

/// Other ways to write what leaves a folder, and other places to leave it for.
pub(super) fn paths(input: &[u8], others: &[String]) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(input) else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for own in UPS.iter().take(7).filter(|own| text.contains(**own)) {
        for other in UPS {
            made.push(text.replace(own, other));
            made.push(text.replacen(own, other, 1));
            made.push(text.replace(own, &other.repeat(2)));
        }
        made.push(text.replacen(own, "/", 1));
        made.push(text.replacen(own, "/etc/", 1));
        made.push(text.replacen(own, &format!("x/{own}{own}"), 1));
        for (at, _) in text.match_indices(own).take(8) {
            let rest = &text[at + own.len()..];
            let end = rest
                .find(|c: char| c.is_whitespace() || "\"',;".contains(c))
                .unwrap_or(rest.len());
            for other in others.iter().take(64) {
                made.push(format!("{}{own}{other}{}", &text[..at], &rest[end..]));
                made.push(format!("{}{own}{other}/{rest}", &text[..at]));
                made.push(format!("{}{own}{other}-x/{rest}", &text[..at]));
                made.push(format!("{}{other}{own}{own}{rest}", &text[..at]));
                made.push(format!("{}{other}/{own}{own}{rest}", &text[..at]));
            }
        }
    }
    made.into_iter().map(String::into_bytes).collect()
}

/// A JSON text with its objects at other places and under other keys.
pub(super) fn json(input: &[u8], others: &[String]) -> Vec<Vec<u8>> {
    if input.len() > JSON_BYTES_MAX {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_slice::<Value>(input) else {
        return Vec::new();
    };
    let mut keys: Vec<String> = ["__proto__", "constructor", "prototype", "a", "", "toString"]
        .map(str::to_owned)
        .into();
    keys.extend(others.iter().take(OTHERS_MAX).cloned());
    let mut pointers = Vec::new();
    gather(&value, String::new(), &mut pointers);
    let mut made = Vec::new();
    for pointer in pointers.into_iter().take(PLACES_MAX / 4) {
        let mut put = |other: Value| {
            let mut whole = value.clone();
            if let Some(place) = whole.pointer_mut(&pointer) {
                *place = other;
                made.push(whole.to_string().into_bytes());
            }
        };
        let Some(own) = value.pointer(&pointer) else {
            continue;
        };
        put(Value::Array(vec![own.clone()]));
        put(Value::Null);
        put(Value::Array(Vec::new()));
        put(Value::String("x".into()));
        for key in &keys {
            put(object(key, own.clone()));
            let Value::Object(members) = own else {
                continue;
            };
            for (name, member) in members {
                let mut renamed = members.clone();
                renamed.remove(name);
                let mut deep = renamed.clone();
                renamed.insert(key.clone(), member.clone());
                put(Value::Object(renamed));
                for inner in ["prototype", "__proto__", "a"] {
                    deep.insert(key.clone(), object(inner, member.clone()));
                    put(Value::Object(deep.clone()));
                }
            }
        }
    }
    made
}

pub(super) fn object(key: &str, value: Value) -> Value {
    Value::Object([(key.to_owned(), value)].into_iter().collect())
}

/// Where the values of a JSON text are; what is deep is left out by the reader's own bound.
pub(super) fn gather(value: &Value, pointer: String, found: &mut Vec<String>) {
    if found.len() >= PLACES_MAX {
        return;
    }
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.replace('~', "~0").replace('/', "~1"), member))
            .collect(),
        Value::Array(members) => members
            .iter()
            .enumerate()
            .map(|(at, member)| (at.to_string(), member))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let inner: Vec<_> = below
        .into_iter()
        .map(|(key, member)| (format!("{pointer}/{key}"), member))
        .collect();
    found.push(pointer);
    for (pointer, member) in inner {
        gather(member, pointer, found);
    }
}

fn next(byte: u8) -> u8 {
    match byte {
        b'a'..=b'y' | b'A'..=b'Y' | b'0'..=b'8' => byte + 1,
        b'z' | b'Z' => byte - 25,
        b'9' => b'1',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(made: &[Vec<u8>], wanted: &str) -> bool {
        made.iter().any(|it| it == wanted.as_bytes())
    }

    #[test]
    fn what_wrong_mends_forget_is_among_them() {
        let others = ["old/key".to_owned()];
        let up = paths(b"get ../secret", &others);
        for wanted in [
            "get ..%2fsecret",
            "get %2e%2e/secret",
            "get /secret",
            "get x/../../secret",
            "get ../old/key",
        ] {
            assert!(holds(&up, wanted), "{wanted}");
        }
        let merged = json(br#"[{"__proto__":{"admin":true}}]"#, &[]);
        for wanted in [
            r#"[{"constructor":{"prototype":{"admin":true}}}]"#,
            r#"[{"a":{"__proto__":{"admin":true}}}]"#,
        ] {
            assert!(holds(&merged, wanted), "{wanted}");
        }
        assert!(holds(&words(b"a=1&all&b=2", &[]), "a=1&bmm&b=2"));
        assert!(holds(
            &more_fields(b"a,b"),
            &format!("a,b{}", ",b".repeat(20))
        ));
        assert!(holds(&counts(b"n 10"), "n 4294967295"));
        assert!(holds(&lines(b"a\nb\n"), "b\na\n") && holds(&lines(b"a\nb\n"), "a\na\nb\n"));
        assert!(holds(&special(b"ab"), "a%b"));
    }

    #[test]
    fn what_is_used_every_day_is_longer_and_other_and_keeps_its_form() {
        let long = format!("name,{}\n", "xyz".repeat(11));
        assert!(holds(&grown(b"name,xyz\n", None), &long));
        assert!(!holds(&grown(b"name,xyz\n", Some(33)), &long));
        assert!(holds(&grown(b"name,xyz\n", Some(34)), &long));
        assert!(holds(&grown(b"4 - 5", None), "4 --- 5"));
        assert!(grown(b"- -", None).iter().all(|it| it.len() < 9));
        let [much, other] = counted(b"n 7", None);
        assert!(holds(&much, "n 1000") && holds(&other, "n 8") && !holds(&other, "n 1000"));
        assert!(counted(b"n 7", Some(1000))[0].is_empty());
        assert!(holds(&punctuated(b"get a.txt"), "get a..txt"));
        assert!(
            punctuated(b"get ./a")
                .iter()
                .all(|it| !it.starts_with(b"get ../"))
        );
    }

    #[test]
    fn lists_are_bounded_whatever_the_input() {
        let long = "1,a\n".repeat(20_000);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for input in ["", "a", &long, &deep] {
            let input = input.as_bytes();
            for made in [
                words(input, &[]),
                lengths(input),
                counts(input),
                special(input),
                punctuated(input),
                with_signs(input),
                spaced(input),
                grown(input, None),
                counted(input, None).concat(),
                lines(input),
                json(input, &[]),
            ] {
                assert!(made.len() < 6000, "{}", made.len());
            }
        }
    }
}
