// With `--cmd` the command-line tool runs a command on the files it has found. If that goes through
// a shell, a part of a file's name is taken as a command.
// The argument is the name of an empty file. No process is started: the request is only looked at.
const child = require("node:child_process");
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const glob = require("glob");

const manifest = require.resolve("glob/package.json");
const { bin } = require("glob/package.json");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "backstitch-"));

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function end(present) {
  fs.rmSync(folder, { recursive: true, force: true });
  answer(present);
}

fs.writeFileSync(path.join(folder, "plain"), "");
if (glob.globSync("pl*", { cwd: folder }).join() !== "plain") throw new Error("a file is not found");
const name = process.argv[2] ?? "";
// Only these signs mean something to a shell; a name with a slash or of two lines cannot be a file here.
if (!/[$`;&|<>()]/.test(name) || /[/\0\n]/.test(name) || name.length > 200) end(false);
fs.writeFileSync(path.join(folder, name), "");

child.spawn = (command, ...rest) => {
  const list = rest.find(Array.isArray) ?? [];
  const options = rest.find((one) => one && !Array.isArray(one)) ?? {};
  end(Boolean(options.shell) && [command, ...list].some((text) => String(text).includes(name)));
};
syncBuiltinESMExports();
process.argv = [process.argv[0], "glob", "--cmd", "true", "*"];
process.chdir(folder);
const tool = path.join(path.dirname(manifest), typeof bin === "string" ? bin : bin.glob);
import(pathToFileURL(tool)).catch(() => process.exit(1));
