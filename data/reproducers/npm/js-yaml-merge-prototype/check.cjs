// A document may merge one mapping into another. If the merged one has a key `__proto__`, its
// value becomes the prototype of an object that was read, and that object has keys nobody set.
// The argument is the document. Red is an object whose prototype is part of the document itself.
const yaml = require("js-yaml");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const read = (text) => yaml.load(text, { schema: yaml.DEFAULT_SAFE_SCHEMA ?? yaml.DEFAULT_SCHEMA });

// A prototype without a constructor of its own was not made by a class.
function replaced(value, seen = new Set()) {
  if (value === null || typeof value !== "object" || seen.has(value)) return false;
  seen.add(value);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && !Object.hasOwn(prototype, "constructor")) return true;
  return Object.keys(value).some((key) => replaced(Object.getOwnPropertyDescriptor(value, key).value, seen));
}

const benign = read("base: &base {a: 1}\nmore: {<<: *base, b: 2}\n");
if (benign.more.a !== 1 || benign.more.b !== 2 || replaced(benign)) throw new Error("a merge does not work");
let document;
try {
  document = read(process.argv[2] ?? "");
} catch {
  answer(false);
}
answer(replaced(document));
