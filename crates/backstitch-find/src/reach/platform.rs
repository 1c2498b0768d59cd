//! The platform a project is built for, and what `cfg(…)` says of it
//! (<https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html#platform-specific-dependencies>).

use std::fmt;

use cfg_expr::targets::{TargetInfo, get_builtin_target_by_triple};
use cfg_expr::{Expression, Predicate};

/// A platform, by its target triple.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Platform(&'static TargetInfo);

impl Platform {
    /// Finds the platform called `triple`; `None` where the compiler has no such target.
    pub fn of_triple(triple: &str) -> Option<Self> {
        get_builtin_target_by_triple(triple).map(Self)
    }

    /// The platform that this program runs on. On Linux the GNU one, which is what the
    /// official toolchains are built for, even where this program is linked otherwise.
    pub fn host() -> Self {
        let arch = std::env::consts::ARCH;
        let triple = match std::env::consts::OS {
            "macos" => format!("{arch}-apple-darwin"),
            "windows" => format!("{arch}-pc-windows-msvc"),
            "freebsd" => format!("{arch}-unknown-freebsd"),
            _ => format!("{arch}-unknown-linux-gnu"),
        };
        Self::of_triple(&triple).unwrap_or(Self(&cfg_expr::targets::ALL_BUILTINS[0]))
    }

    /// The target triple.
    pub fn triple(self) -> &'static str {
        self.0.triple.as_str()
    }

    /// Does `target`, a `cfg(…)` or a triple, hold here? `None` where it cannot be read.
    pub(crate) fn holds(self, target: &str) -> Option<bool> {
        let is_cfg = target.trim_start().starts_with("cfg(");
        if !is_cfg {
            return Some(target == self.triple());
        }
        let expression = Expression::parse(target).ok()?;
        Some(expression.eval(|predicate| self.satisfies(predicate)))
    }

    fn satisfies(self, predicate: &Predicate<'_>) -> bool {
        match predicate {
            Predicate::Target(target) => target.matches(self.0),
            Predicate::TargetFeature(feature) => self.has_feature(feature),
            Predicate::KeyValue { .. }
            | Predicate::Flag(_)
            | Predicate::Test
            | Predicate::DebugAssertions
            | Predicate::ProcMacro
            | Predicate::Feature(_) => false,
        }
    }

    /// What node calls the operating system
    /// (<https://nodejs.org/api/process.html#processplatform>).
    pub(crate) fn node_os(self) -> &'static str {
        match &self.0.os {
            Some(os) => match os.as_str() {
                "macos" => "darwin",
                "windows" => "win32",
                "solaris" | "illumos" => "sunos",
                "freebsd" => "freebsd",
                "android" => "android",
                _ => "linux",
            },
            None => "linux",
        }
    }

    /// What node calls the processor (<https://nodejs.org/api/process.html#processarch>).
    pub(crate) fn node_cpu(self) -> &'static str {
        match self.0.arch.as_str() {
            "aarch64" => "arm64",
            "x86" => "ia32",
            "arm" => "arm",
            "powerpc64" => "ppc64",
            "s390x" => "s390x",
            "riscv64" => "riscv64",
            _ => "x64",
        }
    }

    /// The instruction sets that every processor of the architecture has.
    fn has_feature(self, feature: &str) -> bool {
        match self.0.arch.as_str() {
            "x86_64" => matches!(feature, "fxsr" | "sse" | "sse2" | "x87"),
            "aarch64" => matches!(feature, "neon"),
            _ => false,
        }
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self::host()
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Platform({})", self.triple())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_hold_as_the_compiler_says() {
        let linux = Platform::of_triple("x86_64-unknown-linux-gnu").unwrap();
        for (target, expected) in [
            ("cfg(unix)", Some(true)),
            ("cfg(windows)", Some(false)),
            ("cfg(not(windows))", Some(true)),
            (
                r#"cfg(any(target_os = "redox", target_arch = "x86_64"))"#,
                Some(true),
            ),
            (r#"cfg(all(unix, not(target_os = "linux")))"#, Some(false)),
            (r#"cfg(target_feature = "sse2")"#, Some(true)),
            ("cfg(loom)", Some(false)),
            ("x86_64-unknown-linux-gnu", Some(true)),
            ("x86_64-pc-windows-gnu", Some(false)),
            ("cfg(", None),
            ("cfg(unix, windows)", None),
        ] {
            assert_eq!(linux.holds(target), expected, "{target}");
        }
    }

    #[test]
    fn a_deeply_nested_expression_does_not_exhaust_the_stack() {
        let linux = Platform::of_triple("x86_64-unknown-linux-gnu").unwrap();
        let deep = format!("cfg({}unix{})", "not(".repeat(50_000), ")".repeat(50_000));
        let _ = linux.holds(&deep);
    }

    proptest! {
        #[test]
        fn any_expression_is_answered_without_a_panic(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "cfg(", ")", "(", "any(", "all(", "not(", ",", "unix", "windows", "=", "\"",
                    "target_os = \"linux\"", "target_pointer_width = \"x\"", "panic = \"no\"",
                    "target_has_atomic = \"9\"", "feature = \"é\"", " ", "true", "é",
                ]),
                0..12,
            ),
        ) {
            let _ = Platform::host().holds(&format!("cfg({}", parts.concat()));
        }
    }
}
