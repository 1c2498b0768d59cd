//! Shows that a server goes on reading the handshake however long a header is.
//! The stream is in memory and hands out as many bytes at once as the argument says.

use std::cell::Cell;
use std::io::{Read, Result, Write};
use std::rc::Rc;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nX-Long: ";
const HEADER_BYTES: usize = 256 * 1024;
const CHUNK_BYTES: std::ops::RangeInclusive<usize> = 256..=4096;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

struct Client {
    head: &'static [u8],
    left: Rc<Cell<usize>>,
    chunk: usize,
}

impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(buffer);
        }
        let count = self.left.get().min(self.chunk).min(buffer.len());
        buffer[..count].fill(b'a');
        self.left.set(self.left.get() - count);
        Ok(count)
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

const ORDINARY: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn main() {
    let ordinary = Client {
        head: ORDINARY,
        left: Rc::new(Cell::new(0)),
        chunk: 0,
    };
    assert!(tungstenite::accept(ordinary).is_ok());

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let chunk = argument.to_string_lossy().parse::<usize>();
    let Some(chunk) = chunk.ok().filter(|chunk| CHUNK_BYTES.contains(chunk)) else {
        end(false)
    };
    let left = Rc::new(Cell::new(HEADER_BYTES));
    let client = Client {
        head: HEAD,
        left: Rc::clone(&left),
        chunk,
    };
    assert!(tungstenite::accept(client).is_err());
    println!("left unread: {} of {HEADER_BYTES}", left.get());
    end(left.get() == 0)
}
