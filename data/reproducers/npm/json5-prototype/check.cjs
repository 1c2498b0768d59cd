// A key named `__proto__` in a JSON5 text should be a key like others. Where it is assigned, its
// value becomes the prototype of the object, which then has keys that a check of its own ones misses.
// The argument is the text. Red is an object that was read and whose prototype is not the usual one.
const loaded = require("json5");

const json5 = loaded.default ?? loaded;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function replaced(value) {
  if (value === null || typeof value !== "object") return false;
  const usual = Array.isArray(value) ? Array.prototype : Object.prototype;
  if (Object.getPrototypeOf(value) !== usual) return true;
  return Object.keys(value).some((key) => replaced(Object.getOwnPropertyDescriptor(value, key).value));
}

const benign = json5.parse("{a: [1, {b: 'c'}]}");
if (benign.a[1].b !== "c" || replaced(benign)) throw new Error("a text is not read");
let value;
try {
  value = json5.parse(process.argv[2] ?? "");
} catch {
  answer(false);
}
answer(replaced(value));
