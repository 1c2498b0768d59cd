//! Owns what a reproducer's command is given: its listed inputs, its controls and variants. Pure.

use std::hash::{Hash, Hasher};

use backstitch_model::TreeReproducer;
use backstitch_model::tree_reproducer::Input;

use super::VARIANTS_MAX;
use super::gather::{Sources, Variant};
use super::mutate::{self, Edges};
use super::shots::{Given, Role, Work};

/// The most of a variant that is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 40;
/// The most texts that are taken from a script, and the most of its lines that are read.
const QUOTED_MAX: usize = 40;
const QUOTED_LINES_MAX: usize = 400;
/// How many times as long as the reproducer's own an input is that is huge.
const HUGE: usize = 5;
/// Programs that take a program's text as an argument, after one of these words.
const SCRIPT_FLAGS: [&str; 4] = ["-c", "-e", "--eval", "-p"];

/// The inputs that show the flaw; the command alone where it needs none.
pub(super) fn listed(reproducer: &TreeReproducer) -> Vec<Given> {
    if reproducer.inputs.is_empty() {
        return vec![given(reproducer, "the command".into(), Role::Listed, None)];
    }
    let with = |input: &Input| {
        let name = format!("input `{}`", input.name.escape_debug());
        given(reproducer, name, Role::Listed, Some(input.clone()))
    };
    reproducer.inputs.iter().map(with).collect()
}

/// The inputs that must go on working.
pub(super) fn benign(reproducer: &TreeReproducer) -> Vec<Given> {
    let with = |input: &Input| {
        let name = format!("benign `{}`", input.name.escape_debug());
        given(reproducer, name, Role::Declared, Some(input.clone()))
    };
    reproducer.benign.iter().map(with).collect()
}

/// The project's own samples.
pub(super) fn of_samples(reproducer: &TreeReproducer, samples: Vec<Input>) -> Vec<Given> {
    let with = |input: Input| {
        let name = format!("the project's `{}`", input.name.escape_debug());
        given(reproducer, name, Role::Sample, Some(input))
    };
    samples.into_iter().map(with).collect()
}

/// Variants of the inputs, or of the command's arguments where it has no inputs. `samples` are the
/// project's own; `words` those that it knows.
pub(super) fn variants(
    reproducer: &TreeReproducer,
    edges: &Edges,
    words: &[String],
    samples: &[Input],
) -> Vec<Given> {
    if reproducer.inputs.is_empty() {
        return of_arguments(reproducer);
    }
    let bytes = |it: &Input| it.bytes.clone();
    let quoted = reproducer.argv.iter().flat_map(|word| quoted(word));
    let sources = Sources {
        listed: reproducer.inputs.iter().map(bytes).collect(),
        benign: reproducer.benign.iter().chain(samples).map(bytes).collect(),
        edges: edges.clone(),
        words: quoted.chain(words.iter().cloned()).collect(),
    };
    let usual: Vec<_> = sources.listed.iter().chain(&sources.benign).collect();
    let name = &reproducer.inputs[0].name;
    let made = sources.variants(&reproducer.name, VARIANTS_MAX);
    let with = |(number, variant): (usize, Variant)| {
        let input = Input {
            name: name.clone(),
            bytes: variant.bytes,
        };
        let shown = format!("variant {} ({})", number + 1, shown(&input.bytes));
        let role = if variant.is_near {
            Role::Near
        } else {
            Role::Gentle
        };
        Given {
            work: work(&input.bytes, &usual),
            count: variant.count,
            ..given(reproducer, shown, role, Some(input))
        }
    };
    made.into_iter().enumerate().map(with).collect()
}

/// A number that stands for what all of them are given, and their order.
pub(super) fn mark(all: &[Given]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    for given in all {
        let bytes = given.input.as_ref().map(|input| &input.bytes);
        (&given.argv, bytes).hash(&mut hasher);
    }
    hasher.finish()
}

/// Does an input ask for more work than all of these: is it longer, or does a number in it say more?
/// Where it is no text each byte may be of a number.
fn work(input: &[u8], usual: &[&Vec<u8>]) -> Work {
    let longest = usual.iter().map(|it| it.len()).max().unwrap_or(0);
    if input.len() > longest * HUGE {
        return Work::Huge;
    }
    let is_text = |input: &[u8]| mutate::text(input).is_some();
    let says_more = if is_text(input) && usual.iter().all(|it| is_text(it)) {
        greatest(input) > usual.iter().filter_map(|it| greatest(it)).max()
    } else {
        let most = |at: usize| usual.iter().filter_map(|it| it.get(at)).max();
        let mut bytes = input.iter().enumerate();
        bytes.any(|(at, byte)| most(at).is_none_or(|most| byte > most))
    };
    if says_more || input.len() > longest * 2 {
        Work::Heavy
    } else {
        Work::Usual
    }
}

/// The greatest number of a text: how many digits it has, and which.
fn greatest(input: &[u8]) -> Option<(usize, &[u8])> {
    let numbers = mutate::numbers(input).into_iter();
    let digits = numbers.map(|(from, to)| {
        let digits = &input[from..to];
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        (digits.len() - zeros, &digits[zeros..])
    });
    digits.max()
}

/// Short texts in quotes in a script: what it sets up.
fn quoted(script: &str) -> Vec<String> {
    let lines = script.lines().take(QUOTED_LINES_MAX);
    let texts = lines.flat_map(|line| line.split(['"', '\'']).skip(1).step_by(2));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let fitting = texts.filter(|text| (2..=40).contains(&text.len()) && text.chars().all(is_plain));
    fitting.take(QUOTED_MAX).map(str::to_owned).collect()
}

fn of_arguments(reproducer: &TreeReproducer) -> Vec<Given> {
    let mut made = Vec::new();
    let places = arguments(&reproducer.argv);
    for place in &places {
        let sources = Sources {
            listed: vec![reproducer.argv[*place].clone().into_bytes()],
            ..Sources::default()
        };
        let usual: Vec<_> = sources.listed.iter().collect();
        let count = VARIANTS_MAX / places.len();
        for variant in sources.variants(&reproducer.name, count) {
            // An argument ends where a NUL stands, and is no longer than the kernel takes.
            let Some(text) = String::from_utf8(variant.bytes)
                .ok()
                .filter(|text| !text.contains('\0') && !text.is_empty() && text.len() < 100_000)
            else {
                continue;
            };
            let name = format!("variant {} ({})", made.len() + 1, shown(text.as_bytes()));
            let work = work(text.as_bytes(), &usual);
            let mut argv = reproducer.argv.clone();
            argv[*place] = text;
            made.push(Given {
                argv,
                work,
                ..given(reproducer, name, Role::Near, None)
            });
        }
    }
    made
}

/// The arguments that are data: neither options, nor programs and their texts.
fn arguments(argv: &[String]) -> Vec<usize> {
    let is_program = |word: &str| {
        let endings = [".py", ".js", ".cjs", ".mjs", ".sh", ".pl", ".rb"];
        endings.iter().any(|ending| word.ends_with(ending)) || word.starts_with("./")
    };
    if argv
        .iter()
        .any(|word| SCRIPT_FLAGS.contains(&word.as_str()))
    {
        return Vec::new();
    }
    let words = argv.iter().enumerate().skip(1);
    words
        .filter(|(_, word)| !word.starts_with('-') && !is_program(word) && word.len() > 1)
        .map(|(place, _)| place)
        .take(4)
        .collect()
}

fn given(reproducer: &TreeReproducer, name: String, role: Role, input: Option<Input>) -> Given {
    Given {
        name,
        role,
        argv: reproducer.argv.clone(),
        input,
        work: Work::Usual,
        count: None,
    }
}

fn shown(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let more = bytes.len() - begin.len();
    // The mark at its end stays the only one, so that the text can be taken out again.
    let begin = begin.escape_ascii().to_string().replace('`', "\\x60");
    if more > 0 {
        format!("`{begin}` and {more} more bytes")
    } else {
        format!("`{begin}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reproducer(argv: &[&str]) -> TreeReproducer {
        TreeReproducer {
            name: "r".into(),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            inputs: Vec::new(),
            files: Vec::new(),
            benign: Vec::new(),
            oracle: None,
            time_limit_s: 1,
            build: None,
        }
    }

    #[test]
    fn heavy_is_what_is_far_longer_or_says_a_greater_number() {
        let text = b"join 3\nsend x\n".to_vec();
        for heavy in [&b"join 4\nsend x\n"[..], b"join 10\n", &text.repeat(3)] {
            assert_eq!(
                work(heavy, &[&text]),
                Work::Heavy,
                "{}",
                heavy.escape_ascii()
            );
        }
        for light in [&b"join 2\nsend y\nsend y\n"[..], b"join 03\n", b""] {
            assert_eq!(
                work(light, &[&text]),
                Work::Usual,
                "{}",
                light.escape_ascii()
            );
        }
        let bytes = b"\x00\x10\xff".to_vec();
        assert_eq!(work(b"\x00\x11\xff", &[&bytes]), Work::Heavy);
        assert_eq!(work(b"\x00\x0f", &[&bytes]), Work::Usual);
        assert_eq!(work(&text.repeat(6), &[&text]), Work::Huge);
    }

    #[test]
    fn arguments_that_are_data_are_varied_and_programs_and_options_are_not() {
        let made = |argv: &[&str]| variants(&reproducer(argv), &Edges::default(), &[], &[]);
        let all = made(&["python3", "tool.py", "--root", "../../secret"]);
        assert!(!all.is_empty());
        for given in &all {
            assert_eq!(given.argv[..3], ["python3", "tool.py", "--root"]);
            assert_ne!(given.argv[3], "../../secret");
        }
        assert!(made(&["sh", "-c", "./t AAAA"]).is_empty());
        assert!(made(&["./t"]).is_empty());
    }
}
