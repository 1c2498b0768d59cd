// The variant that follows inherited properties also follows those that lead to a shared object.
// The argument is the path. Red is where its part `flag` is found on a shared object.
const objectPath = require("object-path");

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

const inherited = objectPath.create({ includeInheritedProps: true });
const benign = {};
inherited.set(benign, "a.b", 1);
if (inherited.get(benign, "a.b") !== 1) throw new Error("a path is not set");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  inherited.set({}, given, "set");
} catch {
  // What is refused does no harm.
}
answer(reached());
