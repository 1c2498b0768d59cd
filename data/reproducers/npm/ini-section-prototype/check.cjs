// The name of a section is a key of the object that is read. The name `__proto__` leads to the
// object that all others inherit from, and the section's keys are set there.
// The argument is a file's text. Red is where its key `flag` is found on a shared object.
const ini = require("ini");

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

if (ini.parse("[part]\nkey = value\n").part.key !== "value") throw new Error("a file is not read");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  ini.parse(given);
} catch {
  // What is refused does no harm.
}
answer(reached());
