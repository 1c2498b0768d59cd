//! Owns the live view of a job: which of its lines are worth showing while it runs.

use std::sync::Arc;

/// Shows what is going on: the crate being built or the test that ended, one line at a time.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// The longest line shown, in bytes.
const PROGRESS_BYTES_MAX: usize = 200;

/// Cuts output into lines and shows those that tell how far things are.
pub(crate) struct Lines<'session> {
    progress: &'session Progress,
    open: Vec<u8>,
}

impl<'session> Lines<'session> {
    pub(crate) fn new(progress: &'session Progress) -> Self {
        Self {
            progress,
            open: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = PROGRESS_BYTES_MAX.saturating_sub(self.open.len());
            self.open.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                self.show();
                self.open.clear();
            }
        }
    }

    fn show(&self) {
        const TELLING: &[&str] = &[
            "Compiling ",
            "Downloaded ",
            "Downloading ",
            "Updating ",
            "Running ",
            "Doc-tests ",
            "test ",
            "PASS ",
            "FAIL ",
        ];
        let line = String::from_utf8_lossy(&self.open);
        let line = line.trim();
        if TELLING.iter().any(|start| line.starts_with(start)) {
            (self.progress)(&line.replace(char::is_control, "\u{fffd}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn only_telling_lines_are_shown_and_without_control_characters() {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&shown);
        let progress: Progress =
            Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_owned()));
        let mut lines = Lines::new(&progress);
        for piece in [
            "   Compi",
            "ling a v1\nnoise\ntest b ... \u{1b}[1mok\n",
            &"test x".repeat(99),
            "\n",
        ] {
            lines.take(piece.as_bytes());
        }
        let shown = shown.lock().unwrap();
        assert_eq!(shown[..2], ["Compiling a v1", "test b ... \u{fffd}[1mok"]);
        assert_eq!(shown[2].len(), PROGRESS_BYTES_MAX);
    }
}
