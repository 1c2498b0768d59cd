// A patch names the place that it changes by a path. A part of it that every object has leads to
// an object which all share.
// The argument is the path, with dots. Red is where its part `flag` is found on a shared object.
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
  patch(given.split("."));
} catch {
  // What is refused does no harm.
}
answer(reached());
