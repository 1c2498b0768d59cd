// The package refuses parts of a path that lead to a shared object. It compares them with words,
// but a list of one word is used like that word and differs from it.
// The argument is a path, and each of its parts becomes such a list. Red is `flag` on a shared object.
const { applyPatches, enablePatches } = require("immer");

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

enablePatches?.();
const patch = (path) => applyPatches({ a: {} }, [{ op: "add", path, value: "set" }]);
if (patch(["a", "b"]).a.b !== "set") throw new Error("a patch is not applied");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  patch(given.split(".").map((part) => [part]));
} catch {
  // What is refused does no harm.
}
answer(reached());
