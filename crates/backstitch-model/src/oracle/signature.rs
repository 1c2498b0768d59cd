//! Owns telling one failure from another by what was said of it.

/// What begins the name of the place in what is said of a failure.
pub(super) const PLACE: &str = " in function ";

/// What is known of a failure besides its words: two that are alike may have one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    kind: Kind,
    /// The project's own function in which it was seen.
    place: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Memory, or the arithmetic that leads to it: the way in which it is broken, where that says
    /// something. What is read from anywhere can come of every other way.
    Memory(Option<&'static str>),
    Other(String),
}

/// How sanitizers name the ways to break memory. The first that fits counts.
const WAYS: [(&str, &str); 21] = [
    ("buffer-overflow", "bounds"),
    ("buffer-underflow", "bounds"),
    ("container-overflow", "bounds"),
    ("out of bounds", "bounds"),
    ("use-after", "lifetime"),
    ("double-free", "lifetime"),
    ("attempting free", "lifetime"),
    ("alloc-dealloc-mismatch", "lifetime"),
    ("stack-overflow", "depth"),
    ("allocation-size-too-big", "size"),
    ("calloc-overflow", "size"),
    ("out-of-memory", "size"),
    ("requested allocation size", "size"),
    ("integer overflow", "arithmetic"),
    ("shift", "arithmetic"),
    ("division by zero", "arithmetic"),
    ("negation of", "arithmetic"),
    ("outside the range of representable values", "arithmetic"),
    ("misaligned", "alignment"),
    ("not a valid value", "value"),
    ("null pointer", "null"),
];

impl Signature {
    /// That of a failure, by what was said of it.
    pub fn of(said: &str) -> Self {
        let (said, place) = match said.rsplit_once(PLACE) {
            Some((said, place)) => (said, Some(place.to_owned())),
            None => (said, None),
        };
        Self {
            kind: kind(said),
            place,
        }
    }

    /// Is it surely of another cause? Whatever breaks memory is of one, unless both the way and the
    /// place are known and others.
    pub fn is_unlike(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Memory(Some(one)), Kind::Memory(Some(another))) => {
                let places = self.place.as_ref().zip(other.place.as_ref());
                one != another && places.is_some_and(|(one, another)| one != another)
            }
            (Kind::Memory(_), Kind::Memory(_)) => false,
            (one, another) => one != another,
        }
    }
}

fn kind(said: &str) -> Kind {
    let is_memory = ["Sanitizer", ": runtime error: ", "signal "];
    if is_memory.iter().any(|words| said.contains(words)) {
        let way = WAYS.iter().find(|(words, _)| said.contains(words));
        return Kind::Memory(way.map(|(_, way)| *way));
    }
    if let Some((_, rest)) = said.split_once(" panicked at ") {
        // The place moves with every change; numbers, and what is quoted, with the input.
        let message = rest.split_once(": ").map_or("", |(_, message)| message);
        let message = unquoted(message).filter(|c| !c.is_ascii_digit());
        return Kind::Other(format!("panic {}", message.collect::<String>().trim()));
    }
    Kind::Other(said.split(": ").next().unwrap_or(said).to_owned())
}

/// A text without what stands in quotes; what begins with a quote that is not closed goes as well.
fn unquoted(text: &str) -> impl Iterator<Item = char> {
    let mut open = None;
    let mut last = ' ';
    text.chars().filter(move |letter| {
        // As in `can't`.
        let is_inside_word = last.is_alphanumeric();
        last = *letter;
        match open {
            Some(quote) if *letter == quote => open = None,
            Some(_) => {}
            None if matches!(letter, '\'' | '"' | '`') && !is_inside_word => open = Some(*letter),
            None => return true,
        }
        false
    })
}

/// The first of a report's frames that is the project's own: its function. Those of the system's
/// libraries and of the sanitizer itself say nothing of the project.
pub(super) fn place<'text>(lines: impl Iterator<Item = &'text str>) -> Option<&'text str> {
    let frames = lines
        .skip_while(|line| !is_frame(line))
        .take_while(|line| is_frame(line));
    frames.into_iter().find_map(|line| {
        let (_, called) = line.split_once(" in ")?;
        let (function, file) = called.rsplit_once(' ')?;
        let is_foreign = ["(", "/usr/", "../", "??"]
            .iter()
            .any(|begin| file.starts_with(begin));
        let has_line = file.rsplit_once(':').is_some_and(|(_, line)| {
            !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
        });
        (!is_foreign && has_line).then(|| function.split('(').next().unwrap_or(function))
    })
}

/// `    #0 0x55d5 in parse src/parse.c:7:3`.
fn is_frame(line: &str) -> bool {
    let number = line.trim_start().strip_prefix('#');
    number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unlike(one: &str, other: &str) -> bool {
        Signature::of(one).is_unlike(&Signature::of(other))
    }

    #[test]
    fn another_cause_is_sure_only_in_another_way_at_another_place() {
        let over = "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address";
        let shift = "a.c:3:7: runtime error: left shift of 255 by 24 places";
        let at = |said: &str, place: &str| format!("{said}{PLACE}{place}");
        assert!(unlike(&at(over, "read_name"), &at(shift, "checksum")));
        assert!(!unlike(&at(over, "read_name"), &at(shift, "read_name")));
        assert!(!unlike(&at(over, "read_name"), &at(over, "read_value")));
        assert!(!unlike(over, &at(shift, "checksum")));
        let wild = "==1==ERROR: AddressSanitizer: SEGV on unknown address";
        assert!(!unlike(&at(over, "read_name"), &at(wild, "print")));
        assert!(!unlike(
            "it died of signal 11 (SIGSEGV)",
            &at(over, "read_name")
        ));
        let panic = |said: &str| format!("thread 'main' (2) panicked at src/a.rs:3:7: {said}");
        let inside = |letter: char, text: &str| {
            panic(&format!(
                "end byte index 19 is not a char boundary; it is inside '{letter}' (bytes 18..20) of \
                 `{text}`"
            ))
        };
        assert!(!unlike(
            &inside('\u{ea}', "arr\u{ea}t"),
            &inside('\u{e9}', "`'\u{e9}")
        ));
        assert!(unlike(
            &inside('\u{ea}', "a"),
            &panic("attempt to add with overflow")
        ));
        assert!(unlike("KeyError: 'a'", "UnicodeError: 'a'"));
        assert!(!unlike("KeyError: 'a'", "KeyError: 'b'"));
    }

    #[test]
    fn the_place_is_the_first_function_of_the_project() {
        let frames = [
            "==7==ERROR: AddressSanitizer: heap-buffer-overflow",
            "    #0 0x7f01 in __interceptor_memcpy ../../../../src/libsanitizer/x.inc:827",
            "    #1 0x55d5 in Bus::send(std::string const&) src/bus.cpp:26:9",
            "    #2 0x55d6 in main src/run.c:40",
        ];
        assert_eq!(place(frames.into_iter()), Some("Bus::send"));
        let foreign = ["    #0 0x7f01 in raise (/lib/libc.so.6+0x3fd1)"];
        assert_eq!(place(foreign.into_iter()), None);
        assert_eq!(place(["no frames"].into_iter()), None);
    }
}
