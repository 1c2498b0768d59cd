// An entry with a path of very many parts makes the package create as many folders, one in another.
// The archive is in memory and nothing is written: the calls that would make folders are counted.
// The argument is a piece of the path, which is repeated. Red is where more than 1024 are asked for.
const fs = require("node:fs");
const path = require("node:path");
const tar = require("tar");

const DEPTH_MAX = 1024;
const DEPTH = 1200;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function block(name, size, type) {
  const bytes = Buffer.alloc(512);
  bytes.write(name, 0, 100);
  bytes.write("0000755\0000001750\0000001750\0", 100);
  bytes.write(size.toString(8).padStart(11, "0") + "\0" + "00000000000\0" + "        " + type, 124);
  bytes.write("ustar\x0000", 257, "latin1");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(sum.toString(8).padStart(6, "0") + "\0 ", 148);
  return bytes;
}

// An archive with one folder; the long name goes before it, as GNU tar does it.
function archive(name) {
  const long = Buffer.from(name + "\0");
  const padded = Buffer.concat([long, Buffer.alloc((512 - (long.length % 512)) % 512)]);
  return Buffer.concat([block("././@LongLink", long.length, "L"), padded, block("x", 0, "5"), Buffer.alloc(1024)]);
}

function unpack(name) {
  let deepest = 0;
  const cwd = __dirname;
  const made = (folder) => {
    deepest = Math.max(deepest, path.relative(cwd, String(folder)).split(path.sep).length);
  };
  const { mkdir, mkdirSync } = fs;
  fs.mkdir = (folder, ...rest) => {
    made(folder);
    setImmediate(rest.at(-1), null);
  };
  fs.mkdirSync = made;
  try {
    new tar.Unpack.Sync({ cwd, strict: false, noMtime: true, preserveOwner: false }).end(archive(name));
  } catch {
    // What is said of a folder that was not made does not matter.
  }
  Object.assign(fs, { mkdir, mkdirSync });
  return deepest;
}

if (unpack("a/b/c/") < 3) throw new Error("an archive is not unpacked");
answer(unpack((process.argv[2] || "x").slice(0, 50).repeat(DEPTH)) > DEPTH_MAX);
