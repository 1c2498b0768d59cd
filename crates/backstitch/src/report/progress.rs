//! Live progress: on standard error, as one moving line on a terminal and plain lines elsewhere,
//! or told to a listener.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{escape, say};

/// Tells what is going on.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
    started: Instant,
    listener: Option<Listener>,
}

/// Gets each step and each line in place of standard error.
struct Listener(Box<dyn Fn(&str) + Send + Sync>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Listener")
    }
}

impl Progress {
    /// Talks to standard error.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let style = ProgressStyle::with_template("{spinner} {prefix} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let plain = bar.is_hidden();
        Self {
            bar,
            plain,
            started: Instant::now(),
            listener: None,
        }
    }

    /// Tells a listener, and shows nothing.
    pub fn told_to(listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            plain: true,
            started: Instant::now(),
            listener: Some(Listener(Box::new(listener))),
        }
    }

    /// Begins a step.
    pub fn step(&self, what: &str) {
        let what = escape(what);
        if let Some(Listener(tell)) = &self.listener {
            tell(&what);
        } else if self.plain {
            say(&format!("{} {what} …", self.clock()));
        } else {
            self.bar.enable_steady_tick(Duration::from_millis(120));
            self.bar.set_prefix(format!("{} {what}", self.clock()));
            self.bar.set_message("");
        }
    }

    /// Shows what a step is doing now; only on a terminal.
    pub fn detail(&self, what: &str) {
        if !self.plain {
            self.bar.set_message(escape(what).replace('\n', " "));
        }
    }

    /// Says something that stays.
    pub fn line(&self, what: &str) {
        let line = format!("{} {}", self.clock(), escape(what));
        if let Some(Listener(tell)) = &self.listener {
            tell(&escape(what));
        } else if self.plain {
            say(&line);
        } else {
            self.bar.suspend(|| say(&line));
        }
    }

    /// Takes the moving line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn clock(&self) -> String {
        let seconds = self.started.elapsed().as_secs();
        format!("[{:02}:{:02}]", seconds / 60, seconds % 60)
    }
}
