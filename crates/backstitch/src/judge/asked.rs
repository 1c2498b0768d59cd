//! The reproducer that the user gives: a command line, a script, or a file that describes both
//! the command and its inputs.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use backstitch_model::RelPath;
use backstitch_model::oracle::Oracle;
use backstitch_model::tree_reproducer::{INPUT, Input, TreeReproducer};
use serde::Deserialize;

/// The largest input, in bytes.
const INPUT_BYTES_MAX: u64 = 16 << 20;
/// The most inputs of each kind.
const INPUTS_MAX: usize = 64;
/// The largest script or description, in bytes; a script is given as one word of a command.
const SCRIPT_BYTES_MAX: u64 = 100 << 10;
/// The programs that run a script from its text.
const INTERPRETERS: [&str; 4] = ["python3", "node", "bash", "sh"];
/// How long one run may take where nothing is said, in seconds.
const TIME_LIMIT_S: u64 = 30;

/// What the command line says of a reproducer.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'given> {
    /// A command, or the path of a script or a description.
    pub reproducer: &'given str,
    /// Files that make it show the flaw.
    pub inputs: &'given [PathBuf],
    /// Files that show no flaw.
    pub benign: &'given [PathBuf],
    /// How a run shows it.
    pub oracle: Option<&'given str>,
}

/// A description, as a file: the format is in docs/test.md.
#[derive(Debug, Deserialize)]
struct Described {
    name: Option<String>,
    reproducer: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    command: Vec<String>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    benign: Vec<String>,
    oracle: Option<String>,
    time_limit_s: Option<u64>,
    build: Option<Vec<String>>,
}

impl Asked<'_> {
    /// The reproducer. Reads files; runs nothing.
    pub fn read(self) -> Result<TreeReproducer> {
        let path = Path::new(self.reproducer);
        let is_script = path.is_file() && path.extension().is_none_or(|it| it != "toml");
        let mut reproducer = if !path.is_file() {
            command_line(self.reproducer)?
        } else if is_script {
            script(path)?
        } else {
            described(path)?
        };
        if is_script && !self.inputs.is_empty() {
            reproducer.argv.push(INPUT.to_owned());
        }
        let read = |files: &[PathBuf]| files.iter().map(|file| input(file)).collect();
        let (inputs, benign): (Result<Vec<_>>, Result<Vec<_>>) =
            (read(self.inputs), read(self.benign));
        reproducer.inputs.extend(inputs?);
        reproducer.benign.extend(benign?);
        if let Some(oracle) = self.oracle {
            reproducer.oracle = Some(parse(oracle)?);
        }
        usable(reproducer)
    }
}

/// A reproducer that is only a command line and texts. Reads no file.
pub fn of_words(
    command: &str,
    inputs: Vec<Input>,
    benign: Vec<Input>,
    oracle: Option<&str>,
) -> Result<TreeReproducer> {
    let mut reproducer = command_line(command)?;
    reproducer.inputs = inputs;
    reproducer.benign = benign;
    reproducer.oracle = oracle.map(parse).transpose()?;
    usable(reproducer)
}

/// Is it one that can be run at all?
fn usable(reproducer: TreeReproducer) -> Result<TreeReproducer> {
    ensure!(
        reproducer.inputs.len() <= INPUTS_MAX && reproducer.benign.len() <= INPUTS_MAX,
        "use reproducer `{}`: it has more than {INPUTS_MAX} inputs of a kind",
        reproducer.name
    );
    if let Some(objection) = reproducer.objection() {
        bail!("use reproducer `{}`: {objection}", reproducer.name);
    }
    Ok(reproducer)
}

fn command_line(command: &str) -> Result<TreeReproducer> {
    let argv = shlex::split(command).with_context(|| {
        format!("read reproducer `{command}`: its quotes or backslashes are not closed")
    })?;
    Ok(plain(command, argv))
}

fn plain(name: &str, argv: Vec<String>) -> TreeReproducer {
    TreeReproducer {
        name: name.chars().take(80).collect(),
        argv,
        inputs: Vec::new(),
        benign: Vec::new(),
        files: Vec::new(),
        oracle: None,
        time_limit_s: TIME_LIMIT_S,
        build: None,
    }
}

/// A script's text becomes a word of the command, so that nothing of the machine has to be shown
/// to the sandbox.
fn script(path: &Path) -> Result<TreeReproducer> {
    let name = path.display().to_string();
    let bytes = read(path, SCRIPT_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let text = text.filter(|text| !text.contains('\0')).with_context(|| {
        format!("use reproducer `{name}`: it is no script; give the command that runs it")
    })?;
    let first = text.lines().next().unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str());
    let interpreter = ["python", "node", "bash", "sh"]
        .into_iter()
        .find(|interpreter| first.starts_with("#!") && first.contains(interpreter));
    let program = match (interpreter, extension) {
        (Some("python"), _) | (None, Some("py")) => "python3",
        (Some("node"), _) | (None, Some("js" | "cjs")) => "node",
        (Some("bash"), _) | (None, Some("bash")) => "bash",
        (Some(_), _) | (None, Some("sh")) => "sh",
        (None, _) => bail!(
            "use reproducer `{name}`: nothing says how it is run; give it a `#!` line for sh, \
             bash, python or node, or give the command"
        ),
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(plain(&file, inline(program, text, &file)))
}

/// The command that runs a script's text as if it were a file called `name`: what follows are the
/// script's own arguments.
fn inline(program: &str, text: String, name: &str) -> Vec<String> {
    let (option, has_name) = match program {
        "node" => ("-e", true),
        "python3" => ("-c", false),
        _ => ("-c", true),
    };
    let words = [program.to_owned(), option.to_owned(), text];
    let name = has_name.then(|| name.to_owned());
    words.into_iter().chain(name).collect()
}

/// A description's command. A script that lies beside the description is run from its text.
fn command(words: &[String], folder: &Path) -> Result<Vec<String>> {
    let [program, script, arguments @ ..] = words else {
        return Ok(words.to_vec());
    };
    let beside = RelPath::new(script.as_str())
        .ok()
        .map(|script| folder.join(script.as_str()))
        .filter(|script| script.is_file());
    let Some(file) = beside.filter(|_| INTERPRETERS.contains(&program.as_str())) else {
        return Ok(words.to_vec());
    };
    let text = String::from_utf8(read(&file, SCRIPT_BYTES_MAX)?)
        .with_context(|| format!("read `{}`: it is no UTF-8", file.display()))?;
    let mut argv = inline(program, text, script);
    argv.extend(arguments.iter().cloned());
    Ok(argv)
}

fn described(path: &Path) -> Result<TreeReproducer> {
    let name = path.display().to_string();
    let text = String::from_utf8(read(path, SCRIPT_BYTES_MAX)?)
        .with_context(|| format!("read reproducer `{name}`: it is no UTF-8"))?;
    let described: Described = toml::from_str(&text)
        .with_context(|| format!("read reproducer `{name}` (docs/test.md has the format)"))?;
    let table = described.reproducer;
    let folder = path.parent().unwrap_or(Path::new("."));
    let inputs = |names: &[String]| {
        let named = names.iter().take(INPUTS_MAX + 1).map(|input_name| {
            let below = RelPath::new(input_name.as_str())
                .with_context(|| format!("read reproducer `{name}`"))?;
            input(&folder.join(below.as_str()))
        });
        named.collect::<Result<Vec<_>>>()
    };
    let title = described.name.unwrap_or_else(|| {
        let stem = path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    });
    Ok(TreeReproducer {
        inputs: inputs(&table.inputs)?,
        benign: inputs(&table.benign)?,
        oracle: table.oracle.as_deref().map(parse).transpose()?,
        time_limit_s: table.time_limit_s.unwrap_or(TIME_LIMIT_S),
        build: table.build,
        ..plain(&title, command(&table.command, folder)?)
    })
}

fn parse(oracle: &str) -> Result<Oracle> {
    oracle
        .parse()
        .with_context(|| format!("use oracle `{oracle}`"))
}

fn input(path: &Path) -> Result<Input> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Input {
        name: name.into_owned(),
        bytes: read(path, INPUT_BYTES_MAX)?,
    })
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let told = || format!("read `{}`", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes))
        .with_context(told)?;
    ensure!(
        bytes.len() as u64 <= bytes_max,
        "read `{}`: it is larger than {} KiB",
        path.display(),
        bytes_max >> 10
    );
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn asked(reproducer: &str) -> Result<TreeReproducer> {
        Asked {
            reproducer,
            inputs: &[],
            benign: &[],
            oracle: None,
        }
        .read()
    }

    #[test]
    fn a_command_line_a_script_and_a_description_are_all_reproducers() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let by_words = asked("./tool 'a b' --x").unwrap();
        assert_eq!(by_words.argv, ["./tool", "a b", "--x"]);
        let script = write("poc", "#!/usr/bin/env python3\nprint(1)\n");
        let by_script = asked(&script).unwrap();
        assert_eq!(by_script.argv[..2], ["python3", "-c"]);
        write("crash.bin", "x");
        let description = write(
            "crash.toml",
            "[reproducer]\ncommand = ['./tool', '{input}']\ninputs = ['crash.bin']\noracle = 'asan'\n",
        );
        let described = asked(&description).unwrap();
        assert_eq!(described.inputs[0].bytes, b"x");
        assert_eq!(described.oracle, Some(Oracle::AddressSanitizer));
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let outside = "[reproducer]\ncommand = ['x', '{input}']\ninputs = ['../secret']\n";
        for (reproducer, why) in [
            ("'open".to_owned(), "not closed"),
            ("./tool {input}".to_owned(), "there is no input"),
            (write("poc", "echo\n"), "nothing says how"),
            (write("poc.bin", "\0ELF"), "it is no script"),
            (write("a.toml", "x = 1\n"), "docs/test.md"),
            (write("b.toml", outside), "`..`"),
        ] {
            let error = format!("{:#}", asked(&reproducer).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}
