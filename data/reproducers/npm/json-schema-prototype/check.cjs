// Where a value has no property that a schema has a default for, the default is filled in. With the
// name `__proto__` it is filled in on the object that all others inherit from.
// The argument is a schema as JSON. Red is where its property `flag` is found on a shared object.
const { validate } = require("json-schema");

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

const benign = {};
if (!validate(benign, { properties: { a: { type: "string", default: "b" } } }).valid || benign.a !== "b") {
  throw new Error("a default is not filled in");
}
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  validate({}, JSON.parse(given));
} catch {
  // What is refused does no harm.
}
answer(reached());
