//! The one door of engines to a network: a blocking HTTP client that follows nothing, waits for
//! nothing without an end, and reads no more than it is told.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Timeout};

use crate::egress::{Door, Egress, Plain};
use crate::outcome::Unavailable;
use crate::wire::{BODY_BYTES_MAX, Failure, Reply, Request, Wire, bounded};

/// How long the parts of an exchange may take; the whole has the limit of each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection is there, its encryption included.
    pub connect: Duration,
    /// Until the answer's headers are there.
    pub first_byte: Duration,
    /// Without a single byte, at any time.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(120),
        }
    }
}

/// The longest time that a server may ask to be left alone, in seconds; more is taken for this.
const RETRY_AFTER_S_MAX: u64 = 24 * 3600;

/// How much is read at one time, in bytes.
const PIECE_BYTES: usize = 16 << 10;

/// A client for one engine's address.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    egress: Egress,
    plain: Plain,
    door: Door,
}

impl Client {
    /// Makes one, if the address may be reached.
    pub fn new(
        egress: Egress,
        url: &str,
        plain: Plain,
        patience: &Patience,
    ) -> Result<Self, Failure> {
        let door = egress.door(url, plain)?;
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        // A proxy looks names up itself, and this machine needs none for itself.
        let proxy = if door.only_loopback {
            None
        } else {
            ureq::Proxy::try_from_env()
        };
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .user_agent(concat!("backstitch/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            // Another address would get the code, and perhaps the key, without being listed.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.first_byte))
            .timeout_per_read(Some(patience.idle))
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .build();
        let resolver = Names {
            resolver: DefaultResolver::default(),
            only_loopback: door.only_loopback,
        };
        Ok(Self {
            agent: Agent::with_parts(config, DefaultConnector::default(), resolver),
            egress,
            plain,
            door,
        })
    }
}

impl Wire for Client {
    fn send(
        &self,
        request: &Request,
        within: Duration,
        enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        let door = self.egress.door(&request.url, self.plain)?;
        if door != self.door {
            let why = "a request goes elsewhere than its engine's address";
            return Err(Failure::new(Unavailable::Egress, why));
        }
        let ends = Instant::now() + within;
        let mut post = self
            .agent
            .post(&request.url)
            .header("content-type", "application/json");
        for (name, value) in &request.headers {
            post = post.header(*name, value);
        }
        if let Some((name, key)) = &request.secret {
            post = post.header(*name, key.reveal());
        }
        let post = post.config().timeout_global(Some(within)).build();
        let response = post.send(&request.body).map_err(|error| failure(&error))?;
        Ok(read(response, ends, enough))
    }
}

fn read(response: Response<Body>, ends: Instant, enough: &mut dyn FnMut(&[u8]) -> bool) -> Reply {
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after");
    let retry_after_s = header
        // A date would need this machine's clock to be right.
        .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
        .map(|seconds| seconds.min(RETRY_AFTER_S_MAX));
    let mut reader = response.into_body().into_reader();
    let (mut body, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    let broke_off = loop {
        match reader.read(&mut piece) {
            Ok(0) => break None,
            Ok(count) => {
                body.extend_from_slice(&piece[..count]);
                // A page of an error is no stream, and nobody waits for its end.
                if (200..=299).contains(&status) && enough(&piece[..count]) {
                    break None;
                }
                if body.len() > BODY_BYTES_MAX {
                    body.truncate(BODY_BYTES_MAX);
                    let why = format!("at most {BODY_BYTES_MAX} bytes are read");
                    break Some(Failure::new(Unavailable::TooMuch, why));
                }
                if Instant::now() >= ends {
                    break Some(Failure::new(
                        Unavailable::TimedOut,
                        "the time for the call is over",
                    ));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Some(failure(&ureq::Error::from(error))),
        }
    };
    Reply {
        status,
        retry_after_s,
        body,
        broke_off,
    }
}

/// What an error of the client means, in words that hold neither the address nor the key.
fn failure(error: &ureq::Error) -> Failure {
    let new = |kind, why: &str| Failure::new(kind, why);
    match error {
        ureq::Error::Timeout(timeout) => new(Unavailable::TimedOut, waited(*timeout)),
        ureq::Error::HostNotFound => new(Unavailable::Unreachable, "no such host"),
        ureq::Error::ConnectionFailed => new(Unavailable::Unreachable, "no connection"),
        ureq::Error::ConnectProxyFailed(why) => new(
            Unavailable::Unreachable,
            &format!("the proxy: {}", bounded(why)),
        ),
        ureq::Error::Rustls(why) => new(Unavailable::Tls, &bounded(&why.to_string())),
        ureq::Error::Tls(why) => new(Unavailable::Tls, why),
        ureq::Error::Io(why) => of_io(why),
        ureq::Error::Other(why) if why.is::<NotThisMachine>() => {
            new(Unavailable::Egress, &why.to_string())
        }
        ureq::Error::LargeResponseHeader(..) => {
            new(Unavailable::TooMuch, "its headers are too large")
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            new(Unavailable::NoApi, "what answers does not speak HTTP")
        }
        other => new(Unavailable::Unreachable, &bounded(&other.to_string())),
    }
}

fn of_io(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    if let Some(inner) = error.get_ref() {
        if let Some(inner) = inner.downcast_ref::<ureq::Error>() {
            return failure(inner);
        }
        if inner.to_string().to_lowercase().contains("certificate") {
            return Failure::new(Unavailable::Tls, bounded(&inner.to_string()));
        }
    }
    let words = bounded(&error.to_string());
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            Failure::new(Unavailable::TimedOut, "no byte came")
        }
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::AddrNotAvailable => Failure::new(Unavailable::Unreachable, words),
        ErrorKind::InvalidData => Failure::new(Unavailable::Tls, words),
        _ => Failure::new(Unavailable::BrokeOff, words),
    }
}

fn waited(timeout: Timeout) -> &'static str {
    match timeout {
        Timeout::Resolve => "its name was not found in time",
        Timeout::Connect => "no connection in time",
        Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => {
            "it did not take the request in time"
        }
        Timeout::RecvResponse => "no answer began in time",
        Timeout::PerRead => "no byte came for too long",
        _ => "the time for the call is over",
    }
}

/// Looks names up, and takes only this machine for an answer where it must.
#[derive(Debug)]
struct Names {
    resolver: DefaultResolver,
    only_loopback: bool,
}

/// Says that a name that should be this machine's is not.
#[derive(Debug, thiserror::Error)]
#[error("its name does not stand for this machine alone")]
struct NotThisMachine;

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        let elsewhere = addresses.iter().any(|address| !address.ip().is_loopback());
        if self.only_loopback && elsewhere {
            return Err(ureq::Error::Other(Box::new(NotThisMachine)));
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_for_another_machine_is_not_this_one() {
        let names = |only_loopback| Names {
            resolver: DefaultResolver::default(),
            only_loopback,
        };
        let resolve = |names: &Names, host: &str| {
            let uri = format!("http://{host}:80").parse().unwrap();
            let timeout = NextTimeout {
                after: Duration::from_secs(5).into(),
                reason: Timeout::Resolve,
                per_read: None,
                per_write: None,
            };
            names.resolve(&uri, &Config::default(), timeout)
        };
        // An address that is set aside for documents.
        let elsewhere = resolve(&names(true), "192.0.2.1").unwrap_err();
        assert_eq!(failure(&elsewhere).kind, Unavailable::Egress);
        assert!(resolve(&names(true), "127.0.0.1").is_ok());
        assert!(resolve(&names(false), "192.0.2.1").is_ok());
    }
}
