// The package tells types apart by the name of an object's constructor. A value that was read from
// a JSON text can have a key `constructor` with any name in it, and is taken for that type.
// The argument is the JSON text. Red is where a plain object is not called an object.
const kindOf = require("kind-of");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (kindOf({}) !== "object" || kindOf(new Map()) !== "map") throw new Error("types are not told apart");
let value;
try {
  value = JSON.parse(process.argv[2] ?? "");
} catch {
  answer(false);
}
if (Object.prototype.toString.call(value) !== "[object Object]") answer(false);
let kind = "object";
try {
  kind = kindOf(value);
} catch {
  // No type is given at all.
}
answer(kind !== "object");
