//! Reads a stream of server-sent events, in pieces of any size, as the HTML standard words it:
//! lines that end in LF, CR or both, `data` fields joined until an empty line. Keeps no names,
//! since both formats repeat what matters in the data.

/// Takes bytes in and gives events out.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    begun: bool,
}

impl Events {
    /// Takes a piece; answers the data of each event that it ends.
    pub fn feed(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        for &byte in piece {
            let was_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if was_cr => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    fn end_of_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        let begun = std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix("\u{feff}".as_bytes()) {
            Some(rest) if !begun => rest,
            _ => &line,
        };
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.has_data).then_some(data);
        }
        if let Some(value) = line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data.extend(value.strip_prefix(b" ").unwrap_or(value));
            self.has_data = true;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_come() {
        let stream = "\u{feff}: hello\r\nevent: x\rdata: {\"a\":\r\ndata: 1}\r\n\r\nid: 3\n\ndata:é\n\ndata: cut";
        let whole = Events::default().feed(stream.as_bytes());
        assert_eq!(whole, [b"{\"a\":\n1}".to_vec(), "é".as_bytes().to_vec()]);
        for size in 1..stream.len() {
            let mut events = Events::default();
            let pieces = stream.as_bytes().chunks(size);
            let all: Vec<_> = pieces.flat_map(|piece| events.feed(piece)).collect();
            assert_eq!(all, whole, "pieces of {size}");
        }
    }
}
