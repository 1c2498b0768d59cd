// The package promises names within the temporary folder. A folder in it may be a link that leads
// elsewhere, and a file would then be written there.
// The argument is the link's name. Only a name is asked for; red is where its folder lies outside.
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "backstitch-")));
const [inside, outside] = ["inside", "outside"].map((name) => path.join(root, name));
fs.mkdirSync(path.join(inside, "folder"), { recursive: true });
fs.mkdirSync(outside);
process.env.TMPDIR = inside;
const tmp = require("tmp");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function end(present) {
  fs.rmSync(root, { recursive: true, force: true });
  answer(present);
}

// Where a file with the name that the package gives would really lie.
const place = (dir) => fs.realpathSync(path.dirname(tmp.tmpNameSync({ dir: path.join(inside, dir) })));

try {
  if (place("folder") !== path.join(inside, "folder")) throw new Error("a usual folder is not used");
} catch (error) {
  fs.rmSync(root, { recursive: true, force: true });
  throw error;
}
const name = process.argv[2] ?? "";
if (!/^[\w-]{1,64}$/.test(name) || name === "folder") end(false);
fs.symlinkSync(outside, path.join(inside, name));
try {
  end(place(name) === outside);
} catch {
  end(false);
}
