//! What the program's help says, asked of the program.

use std::process::Command;

/// Does the program's help know each part of a command line?
pub fn accepts(line: &str) -> Result<(), String> {
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    let mut commands: Vec<&str> = Vec::new();
    let mut shown = help(&commands)?;
    let mut rest = words.as_slice();
    while let Some((word, more)) = rest.split_first() {
        if !shown.contains("\nCommands:\n") || word.starts_with('-') {
            break;
        }
        commands.push(word);
        shown = help(&commands)?;
        rest = more;
    }
    let options = shown
        .split_once("\nOptions:\n")
        .map_or("", |(_, options)| options);
    for (position, word) in rest
        .iter()
        .enumerate()
        .filter(|(_, word)| word.starts_with("--"))
    {
        let of = options
            .lines()
            .position(|line| line.split([' ', ',']).any(|part| part == *word));
        let Some(of) = of else {
            return Err(format!("it has no {word}"));
        };
        let about: Vec<_> = options
            .lines()
            .skip(of + 1)
            .take_while(|line| !line.trim_start().starts_with("--"))
            .filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next())
            .collect();
        let value = rest.get(position + 1);
        if !about.is_empty() && !value.is_some_and(|value| about.contains(value)) {
            return Err(format!("{word} takes {about:?}, not {value:?}"));
        }
    }
    Ok(())
}

/// The help of a command, or why there is none.
pub fn help(commands: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(commands)
        .arg("--help")
        .env_clear()
        .output()
        .expect("the program starts");
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
