// Objects are copied at all depths. The key `__proto__` leads to the object that all others
// inherit from, and the values are set there.
// The argument is a JSON text that is copied. Red is where its key `flag` is on a shared object.
const extend = require("extend");

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

if (extend(true, { a: { b: 1 } }, { a: { c: 2 } }).a.c !== 2) throw new Error("objects are not copied");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  extend(true, {}, JSON.parse(given));
} catch {
  // What is refused does no harm.
}
answer(reached());
