//! `backstitch mcp`: serves coding agents until they leave or it is told to end.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};

use crate::cli::McpArguments;
use crate::exit::Exit;
use crate::mcp::{self, Door, Settings};
use crate::places::Places;

/// Serves.
pub fn mcp(arguments: McpArguments) -> Result<Exit> {
    let door = match &arguments.http {
        None => Door::Stdio,
        Some(address) => Door::Http {
            address: loopback(address)?,
            token: mcp::Token::open(arguments.token_file.as_deref())?,
        },
    };
    let settings = Settings {
        roots: mcp::Roots::open(&arguments.roots)?,
        places: Places::discover()?,
        policy: arguments.policy,
        db: arguments.db,
        offline: arguments.offline,
    };
    mcp::serve(settings, door)?;
    Ok(Exit::NothingLeft)
}

/// An address of this machine that no other can reach.
fn loopback(address: &str) -> Result<SocketAddr> {
    let parsed: SocketAddr = address.parse().with_context(|| {
        format!("serve at `{address}`: it is no address and port, such as 127.0.0.1:7391")
    })?;
    ensure!(
        parsed.ip().is_loopback(),
        "serve at `{address}`: others could reach it; use 127.0.0.1 or [::1]"
    );
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_is_served() {
        for address in ["127.0.0.1:7391", "127.0.0.1:0", "[::1]:80"] {
            assert!(loopback(address).is_ok(), "{address}");
        }
        for (address, why) in [
            ("0.0.0.0:7391", "others could reach it"),
            ("192.168.1.2:80", "others could reach it"),
            ("[::]:80", "others could reach it"),
            ("[::ffff:127.0.0.1]:80", "others could reach it"),
            ("localhost:80", "no address"),
            ("7391", "no address"),
            ("127.0.0.1:99999", "no address"),
        ] {
            let refused = format!("{:#}", loopback(address).unwrap_err());
            assert!(refused.contains(why), "{address}: {refused}");
        }
    }
}
