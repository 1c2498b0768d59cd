//! Shows that a handshake goes round without an end once the peer has closed the connection.
//! The connection is in memory: it hands out one closing message and counts the rounds.

use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::sync::Arc;

const ROUNDS_MAX: usize = 1_000;
/// A warning that the peer closes: kind, version, length, level, description.
const CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

struct Peer {
    unread: &'static [u8],
    rounds: usize,
}

impl Peer {
    fn count_round(&mut self) -> Result<()> {
        self.rounds += 1;
        if self.rounds > ROUNDS_MAX {
            return Err(Error::from(ErrorKind::TimedOut));
        }
        Ok(())
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.count_round()?;
        self.unread.read(buffer)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<()> {
        self.count_round()
    }
}

/// Later releases have no such step; where there is one, it goes before a trait's.
#[allow(dead_code)]
trait SafeDefaults: Sized {
    fn with_safe_defaults(self) -> Self {
        self
    }
}

impl<T> SafeDefaults for T {}

/// How the handshake ends, and whether in time.
fn handshake(unread: &'static [u8]) -> (bool, bool) {
    let config = ClientConfig::builder()
        .with_safe_defaults()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut peer = Peer { unread, rounds: 0 };
    let ended = client.complete_io(&mut peer);
    println!("ended: {ended:?}, rounds: {}", peer.rounds);
    (ended.is_ok(), peer.rounds <= ROUNDS_MAX)
}

fn main() {
    // A peer that says nothing and goes away is an ordinary failure.
    assert_eq!(handshake(&[]), (false, true));

    let (_, in_time) = handshake(CLOSE_NOTIFY);
    end(!in_time)
}
