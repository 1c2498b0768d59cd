// Elements become keys of the object that is read. One that is named `__proto__` becomes the
// object's prototype, so the object has keys that a check of its own ones misses.
// The argument is a document. Red is an object that was read and whose prototype is part of it.
const { Parser } = require("xml2js");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function read(text) {
  let result;
  new Parser({ async: false }).parseString(text, (error, value) => {
    result = error ? undefined : value;
  });
  return result;
}

// A prototype without a constructor of its own was not made by a class.
function replaced(value) {
  if (value === null || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && !Object.hasOwn(prototype, "constructor")) return true;
  return Object.keys(value).some((key) => replaced(Object.getOwnPropertyDescriptor(value, key).value));
}

const benign = read("<a><b>c</b></a>");
if (benign.a.b[0] !== "c" || replaced(benign)) throw new Error("a document is not read");
let value;
try {
  value = read(process.argv[2] ?? "");
} catch {
  answer(false);
}
answer(replaced(value));
