// The package makes nested objects of dotted keys. A part of a key that every object has leads to
// an object which all share.
// The argument is the key. Red is where its part `flag` is found on a shared object.
const { unflatten } = require("flat");

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

if (unflatten({ "a.b": 1 }).a.b !== 1) throw new Error("a key is not read");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  unflatten({ [given]: "set" });
} catch {
  // What is refused does no harm.
}
answer(reached());
