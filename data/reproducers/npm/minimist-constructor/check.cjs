// A dotted name in a command line is a path through objects. A part of it that every object has
// leads to an object which all share.
// The argument is one of a command line. Red is where its last part, `flag`, is then found on a
// shared object; it is removed again.
const minimist = require("minimist");

const FLAG = "backstitchFlag";
const SHARED = [Object.prototype, Function.prototype, Array.prototype, Object, Function, Array];

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const benign = minimist(["--a.b=1", "rest"]);
if (benign.a.b !== 1 || benign._[0] !== "rest") throw new Error("a command line is not read");
const given = process.argv[2] ?? "";
try {
  minimist([given.replace(/\bflag\b/g, FLAG)]);
} catch {
  // An argument that is refused does no harm.
}
const reached = SHARED.filter((object) => Object.hasOwn(object, FLAG));
for (const object of reached) delete object[FLAG];
answer(reached.length > 0);
