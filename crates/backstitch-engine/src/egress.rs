//! Where engines may be reached. Closed unless the user's own settings open it.

use ureq::http::Uri;

use crate::outcome::Unavailable;
use crate::wire::Failure;

/// Where what engines are told may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Egress {
    /// Nowhere.
    #[default]
    None,
    /// Only to this machine.
    Loopback,
    /// To the addresses that the settings list.
    Listed,
}

/// May what is sent cross a network without being made secret?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Only to this machine.
    Loopback,
    /// The settings allow it for this address.
    Allowed,
}

/// An address that may be reached, as far as its text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Scheme, host and port, without which nothing is sent.
    pub origin: String,
    /// Must every address that the host's name stands for be of this machine?
    pub only_loopback: bool,
}

impl Egress {
    /// Checks an engine's address. A name such as `localhost` is checked once more when it is
    /// looked up, since it may stand for anything.
    pub fn door(self, url: &str, plain: Plain) -> Result<Door, Failure> {
        let refuse = |why: String| Err(Failure::new(Unavailable::Egress, why));
        let address = parse(url)?;
        match self {
            Self::None => return refuse("`egress` is \"none\", so nothing is sent".into()),
            Self::Loopback if !address.is_loopback => {
                return refuse(format!(
                    "`egress` is \"loopback\", and `{}` is not this machine",
                    address.host
                ));
            }
            Self::Loopback | Self::Listed => {}
        }
        let may_be_plain = address.is_secret || plain == Plain::Allowed;
        if !may_be_plain && !address.is_loopback {
            return refuse(format!(
                "`{}` would get the code and the key over plain `http:`; use `https:`, or set \
                 `plain_http` for this engine",
                address.host
            ));
        }
        Ok(Door {
            origin: address.origin,
            only_loopback: self == Self::Loopback || !may_be_plain,
        })
    }
}

struct Address {
    origin: String,
    host: String,
    is_secret: bool,
    is_loopback: bool,
}

/// Scheme, host and port of an address; other parts may not hide in it.
fn parse(url: &str) -> Result<Address, Failure> {
    let refuse = |why: &str| Err(Failure::new(Unavailable::Egress, why));
    let Ok(uri) = url.parse::<Uri>() else {
        return refuse("`url` is no address");
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refuse("`url` is no address with `http:` or `https:`");
    };
    let is_secret = match scheme {
        "https" => true,
        "http" => false,
        _ => return refuse("`url` is no address with `http:` or `https:`"),
    };
    if authority.as_str().contains('@') {
        return refuse(
            "`url` holds a name or a password; a key goes into a variable, see `key_env`",
        );
    }
    if uri.query().is_some() {
        return refuse("`url` has a query; a key goes into a variable, see `key_env`");
    }
    let host = authority.host().to_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let port = authority
        .port_u16()
        .unwrap_or(if is_secret { 443 } else { 80 });
    Ok(Address {
        origin: format!("{scheme}://{host}:{port}"),
        host,
        is_secret,
        is_loopback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(egress: Egress, url: &str) -> Result<Door, String> {
        egress
            .door(url, Plain::Loopback)
            .map_err(|failure| failure.detail)
    }

    #[test]
    fn nothing_is_reached_that_the_setting_does_not_name() {
        for url in ["http://127.0.0.1:1/v1", "https://example.com/v1"] {
            assert!(
                door(Egress::None, url).unwrap_err().contains("none"),
                "{url}"
            );
        }
        for host in ["127.0.0.1:1", "[::1]:1", "localhost", "127.9.9.9"] {
            let door = door(Egress::Loopback, &format!("http://{host}/v1")).unwrap();
            assert!(door.only_loopback, "{host}");
        }
        for host in [
            "example.com",
            "10.0.0.1",
            "0.0.0.0",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "[::ffff:10.0.0.1]",
            "2130706433",
        ] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{host}/v1");
                assert!(door(Egress::Loopback, &url).is_err(), "{url}");
            }
        }
        assert!(
            !door(Egress::Listed, "https://example.com")
                .unwrap()
                .only_loopback
        );
    }

    #[test]
    fn a_key_does_not_cross_a_network_in_the_clear_unless_that_is_set() {
        let error = door(Egress::Listed, "http://example.com/v1").unwrap_err();
        assert!(error.contains("plain_http"), "{error}");
        assert!(
            door(Egress::Listed, "http://localhost:8080")
                .unwrap()
                .only_loopback
        );
        let set = Egress::Listed
            .door("http://example.org:8000", Plain::Allowed)
            .unwrap();
        assert!(!set.only_loopback);
    }

    #[test]
    fn what_is_no_plain_address_is_refused_and_a_password_in_it_not_shown() {
        for url in [
            "",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://me:hunter2@example.com",
            "https://example.com/v1?key=hunter2",
            "https://example.com\r\nx: y",
        ] {
            let error = door(Egress::Listed, url).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
