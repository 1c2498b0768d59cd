//! `backstitch init`: writes a commented settings file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::exit::Exit;
use crate::report;
use crate::settings::{FILE_NAME, TEMPLATE};

/// Writes `backstitch.toml`, never over one that is there.
pub fn init(path: &Path) -> Result<Exit> {
    let file = path.join(FILE_NAME);
    let mut created = match OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(created) => created,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("write `{}`: it is there already; edit it", file.display())
        }
        Err(error) => return Err(error).with_context(|| format!("write `{}`", file.display())),
    };
    created
        .write_all(TEMPLATE.as_bytes())
        .with_context(|| format!("write `{}`", file.display()))?;
    report::say(&format!(
        "wrote `{}`: every setting is there, with its default",
        file.display()
    ));
    Ok(Exit::NothingLeft)
}
