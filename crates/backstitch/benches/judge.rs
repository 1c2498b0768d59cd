//! Measures what judging ten changes of one state costs, and what the judge itself takes of that.
//!
//! `cargo bench -p backstitch --bench judge`. The project is generated C: forty files, and tests of
//! two seconds. Ten patches are judged one after another, the untouched state built and tested once;
//! then each with a state of its own (`--fresh`). For the overhead, the bare commands (build and
//! test, before and after each change) are run in the same sandbox-free folder by hand.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and what goes wrong in it should stop it"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{World, succeed};

const FILES: usize = 40;
const PATCHES: usize = 10;

fn main() {
    let world = World::sandboxed().expect("the sandbox is needed");
    world.import_nothing_much();
    world.write(&project());
    let kept = judge_all(&world, &[]);
    let fresh = judge_all(&world, &["--fresh"]);
    let bare = bare_all(&world);
    let seconds = |duration: Duration| duration.as_secs_f64();
    println!("{PATCHES} patches of one state, {FILES} C files, tests of 2 s");
    println!("  the state kept     {:6.1} s", seconds(kept));
    println!("  each from nothing  {:6.1} s", seconds(fresh));
    println!(
        "  times as fast      {:6.1}",
        seconds(fresh) / seconds(kept)
    );
    println!(
        "  bare build and test commands, the state once: {:.1} s",
        seconds(bare)
    );
    println!(
        "  the judge's own share of the time with the state kept: {:.1} %",
        100.0 * (seconds(kept) - seconds(bare)) / seconds(kept)
    );
}

fn project() -> String {
    let mut files = String::new();
    for number in 0..FILES {
        writeln!(files, "--- part{number}.c").unwrap();
        writeln!(
            files,
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
        )
        .unwrap();
        for function in 0..60 {
            writeln!(
                files,
                "int part{number}_{function}(int x) {{ int y = x; for (int i = 0; i < {function}; \
                 i++) {{ y = y * 31 + i; }} return y; }}"
            )
            .unwrap();
        }
    }
    let objects: Vec<_> = (0..FILES).map(|number| format!("part{number}.o")).collect();
    let mut main = String::from("#include <stdio.h>\n");
    let mut body = String::new();
    for number in 0..FILES {
        writeln!(main, "int part{number}_1(int);").unwrap();
        writeln!(body, "    sum += part{number}_1(1);").unwrap();
    }
    format!(
        "{files}--- main.c\n{main}int main(void) {{\n    unsigned sum = 0;\n{body}    printf(\"%u\\n\", \
         sum);\n    return 0;\n}}\n--- Makefile\nCFLAGS ?= -O2\nmain: main.o {}\n\t$(CC) -o $@ \
         $^\ncheck: main\n\tsleep 2\n\t./main > out\n\ttest $$(cat out) -gt 0 && echo 'PASS: \
         sum'\n",
        objects.join(" ")
    )
}

/// Writes a patch that changes one file, and answers its path.
fn patch(world: &World, number: usize) -> String {
    let name = format!("part{number}.c");
    let before = fs::read_to_string(world.project().join(&name)).unwrap();
    let after = before.replacen("int y = x;", &format!("int y = x + {number};"), 2);
    let patch = diffy::DiffOptions::new()
        .set_original_filename(format!("a/{name}"))
        .set_modified_filename(format!("b/{name}"))
        .create_patch(&before, &after)
        .to_string();
    let file = world.path(&format!("{number}.patch"));
    fs::write(&file, patch).unwrap();
    file.display().to_string()
}

fn judge_all(world: &World, more: &[&str]) -> Duration {
    let began = Instant::now();
    for number in 1..=PATCHES {
        let patch = patch(world, number);
        let always = ["test", "--offline", "--patch", patch.as_str()];
        world
            .run(&[&always[..], more].concat())
            .ended_with(0)
            .printed("Clean");
    }
    began.elapsed()
}

/// The same commands without the judge: the state built and tested once, then each change built
/// upon it and tested.
fn bare_all(world: &World) -> Duration {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = world.path("bare");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(world.project()).unwrap().flatten() {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let make = |target: &[&str]| {
        let mut command = Command::new("make");
        command
            .arg(format!("-j{jobs}"))
            .args(target)
            .current_dir(&folder);
        succeed(&mut command);
    };
    let began = Instant::now();
    make(&[]);
    make(&["check"]);
    let mut spent = began.elapsed();
    for number in 1..=PATCHES {
        let name = format!("part{number}.c");
        let before = fs::read_to_string(world.project().join(&name)).unwrap();
        let after = before.replacen("int y = x;", &format!("int y = x + {number};"), 2);
        fs::write(folder.join(&name), after).unwrap();
        let began = Instant::now();
        make(&[]);
        make(&["check"]);
        spent += began.elapsed();
        // The next change is one of the state again, which was built once.
        fs::write(folder.join(&name), before).unwrap();
        make(&[]);
    }
    spent
}
