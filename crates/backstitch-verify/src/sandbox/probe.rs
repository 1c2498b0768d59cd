//! Finds out by trying whether this machine can build a sandbox, and says what it lacks.

use std::fs;
use std::io;

use super::Sandbox;
use super::error::{SandboxError, Unavailable};
use super::job::{Access, Cancel, Exit, Job, Limits, Mount, Network, Output};
use super::wire::Step;

/// Runs the smallest job.
pub(super) fn probe(sandbox: &Sandbox) -> Result<(), Unavailable> {
    match sandbox.run(
        &trifle("exit 0", Vec::new()),
        &Cancel::default(),
        &mut |_, _| {},
    ) {
        Ok(ran) if ran.exit == Exit::Code(0) => Ok(()),
        Ok(ran) => Err(Unavailable {
            refused: format!("a job that does nothing ended as {:?}", ran.exit),
            advice: "report this with the kernel's version".into(),
        }),
        Err(error) => Err(Unavailable {
            refused: error.to_string(),
            advice: advice(&error),
        }),
    }
}

/// Writes one file through an overlay, with its layers in a directory of the caller's.
pub(super) fn overlay(sandbox: &Sandbox, near: &std::path::Path) -> Result<bool, SandboxError> {
    let base = near.join(format!(".overlay-probe-{}", std::process::id()));
    let layers = ["lower", "upper", "work"].map(|name| base.join(name));
    let make = || layers.iter().try_for_each(fs::create_dir_all);
    make().map_err(|source| SandboxError::Tree {
        doing: "make",
        path: base.clone(),
        source,
    })?;
    sandbox.own(&base)?;
    let [lower, upper, work] = layers;
    let mount = Mount {
        host: lower,
        inside: "/overlay".into(),
        access: Access::Overlay {
            lower: Vec::new(),
            upper,
            work,
        },
    };
    let job = trifle("echo written > /overlay/file", vec![mount]);
    let ran = sandbox.run(&job, &Cancel::default(), &mut |_, _| {});
    sandbox.discard(&base)?;
    match ran {
        Ok(ran) => Ok(ran.exit.succeeded()),
        Err(SandboxError::Setup {
            step: Step::Overlay,
            ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn trifle(script: &str, mounts: Vec<Mount>) -> Job {
    Job {
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        env: Vec::new(),
        cwd: "/".into(),
        mounts,
        network: Network::Loopback,
        limits: Limits {
            wall_s: 20,
            ..Limits::default()
        },
        output: Output::Merged {
            log: "/dev/null".into(),
        },
    }
}

/// What to do about the part that was refused.
fn advice(error: &SandboxError) -> String {
    match error {
        SandboxError::Setup { step, source, .. } => match step {
            Step::Namespaces | Step::Users | Step::Network => namespaces_advice(source),
            Step::Processes => "inside a container, let it mount /proc: run it with \
                `--security-opt systempaths=unconfined`, or outside the container"
                .into(),
            Step::Root | Step::Overlay => "the kernel has to be 5.12 or newer, and a container \
                has to allow mounts: `--security-opt seccomp=unconfined --security-opt \
                apparmor=unconfined`"
                .into(),
            Step::Spec | Step::Limits | Step::Privileges | Step::SystemCalls => {
                "this part has no switch; report it with the kernel's version".into()
            }
        },
        SandboxError::Start { .. }
        | SandboxError::Execute { .. }
        | SandboxError::Lost(_)
        | SandboxError::Job(_)
        | SandboxError::Log { .. }
        | SandboxError::Tree { .. }
        | SandboxError::Supervise(_) => "the program itself has to be readable and runnable".into(),
    }
}

/// Looks at the switches that distributions have for unprivileged namespaces.
fn namespaces_advice(source: &io::Error) -> String {
    const SWITCHES: &[(&str, &str, &str)] = &[
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "kernel.unprivileged_userns_clone=1",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "user/max_user_namespaces",
            "0",
            "user.max_user_namespaces=15000",
        ),
        (
            "user/max_net_namespaces",
            "0",
            "user.max_net_namespaces=15000",
        ),
        (
            "user/max_pid_namespaces",
            "0",
            "user.max_pid_namespaces=15000",
        ),
        (
            "user/max_mnt_namespaces",
            "0",
            "user.max_mnt_namespaces=15000",
        ),
    ];
    for (path, closed, open) in SWITCHES {
        if fs::read_to_string(format!("/proc/sys/{path}")).is_ok_and(|text| text.trim() == *closed)
        {
            return format!("run `sysctl -w {open}` as root");
        }
    }
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "something forbids user namespaces: inside a \
            container its seccomp profile (`--security-opt seccomp=unconfined`), elsewhere a \
            security module such as AppArmor or SELinux"
            .into(),
        Some(libc::ENOSPC | libc::EUSERS) => {
            "too many namespaces are in use or nested; raise the `user.max_*_namespaces` sysctls"
                .into()
        }
        _ => "the kernel has to be built with user, mount, process and network namespaces".into(),
    }
}
