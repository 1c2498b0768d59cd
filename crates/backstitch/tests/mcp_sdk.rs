//! `backstitch mcp` and the protocol's official client for Python, which checks each answer
//! against the schema that the tool promises. Skipped unless `BACKSTITCH_MCP_PYTHON` names a
//! Python that has the package `mcp`.

mod common;

use std::ffi::OsString;
use std::process::Command;

use common::{World, manifest, wait};

/// The variable that names the Python.
const PYTHON: &str = "BACKSTITCH_MCP_PYTHON";

/// Calls every tool that needs no sandbox, and says how each ended.
const SCRIPT: &str = r#"
import asyncio, os, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

CALLS = [("status", {}), ("find", {}), ("explain", {"id": "CVE-2030-0001"}),
         ("brief", {"id": "CVE-2030-0001"}), ("find", {"path": "/"})]

async def main():
    server = StdioServerParameters(
        command=sys.argv[1], args=["mcp", "--offline", sys.argv[2]], env=dict(os.environ))
    async with stdio_client(server) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            print(",".join(tool.name for tool in (await session.list_tools()).tools))
            for tool, arguments in CALLS:
                result = (await session.call_tool(tool, arguments)).model_dump(by_alias=True)
                print(tool, result["isError"], result["structuredContent"] is not None)

asyncio.run(main())
"#;

#[test]
fn the_official_client_for_python_connects_and_calls_the_tools() {
    let Some(python): Option<OsString> = std::env::var_os(PYTHON) else {
        eprintln!("SKIPPED, NOTHING WAS TESTED: {PYTHON} names no Python");
        return;
    };
    let world = World::new();
    world.publish("weak", "1.0.0", "pub fn answer() -> u32 { 1 }\n");
    world.advise("RUSTSEC-2030-0001", "weak", Some("1.0.2"));
    world.import();
    let manifest = manifest("weak = \"=1.0.0\"\n");
    world.write(&format!("--- Cargo.toml\n{manifest}--- src/lib.rs\n"));
    world.lock();
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT, common::BINARY]);
    command.arg(world.project()).env_clear();
    command.env("PATH", "/usr/bin:/bin");
    command.env("HOME", world.path("user"));
    command.env("BACKSTITCH_HOME", world.path("home"));
    let ended = wait(&mut command);
    ended.ended_with(0);
    let told: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        told,
        [
            "find,explain,brief,test_patch,status",
            "status False True",
            "find False True",
            "explain False True",
            "brief False True",
            "find True False",
        ]
    );
}
