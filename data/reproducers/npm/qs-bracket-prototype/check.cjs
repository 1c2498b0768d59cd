// Keys in brackets become objects or lists. In some orders `__proto__` in brackets becomes the
// prototype of the object that is made, which then has a length that nobody gave it.
// The argument is a query. Red is an object that was read and whose prototype is part of the query.
const qs = require("qs");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// Express reads queries with this option.
const read = (query) => qs.parse(query, { allowPrototypes: true });

function replaced(value) {
  if (value === null || typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype) return true;
  return Object.keys(value).some((key) => replaced(Object.getOwnPropertyDescriptor(value, key).value));
}

const benign = read("a[b]=c&d[]=e");
if (benign.a.b !== "c" || benign.d[0] !== "e" || replaced(benign)) throw new Error("a query is not read");
let value;
try {
  value = read(process.argv[2] ?? "");
} catch {
  answer(false);
}
answer(replaced(value));
