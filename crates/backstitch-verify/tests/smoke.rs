//! What every job may rely on.

mod common;

use backstitch_verify::sandbox::Exit;
use common::Bench;

#[test]
fn a_job_runs_and_its_exit_code_comes_back() {
    let Some(bench) = Bench::new() else { return };
    let (exit, printed) = bench.run(&bench.shell("echo hello; echo there >&2; exit 7"));
    assert_eq!((exit, printed.as_str()), (Exit::Code(7), "hello\nthere\n"));
}
