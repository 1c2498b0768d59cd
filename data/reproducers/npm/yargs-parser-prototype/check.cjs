// A dotted name in a command line is a path through objects. The part `__proto__` leads to the
// object that all others inherit from.
// The argument is one of a command line. Red is where its part `flag` is found on a shared object.
const loaded = require("yargs-parser");

const parse = typeof loaded === "function" ? loaded : loaded.default;

const FLAG = "backstitchFlag";
const SHARED = [Object.prototype, Function.prototype, Array.prototype, Object, Function, Array];

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// The objects that all share, and that now have the flag; it is removed again.
function reached() {
  const found = SHARED.filter((object) => Object.hasOwn(object, FLAG));
  for (const object of found) delete object[FLAG];
  return found.length > 0;
}

if (parse(["--a.b=1"]).a.b !== 1) throw new Error("a command line is not read");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  parse([given]);
} catch {
  // What is refused does no harm.
}
answer(reached());
