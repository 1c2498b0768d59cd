// The texts of each locale are kept in an object by the locale's name. A name that every object
// has leads to an object which all share, and the texts are set there.
// The argument is the locale. Red is where a text is found on a shared object; it is removed again.
const path = require("node:path");
const loaded = require("y18n");

const y18n = typeof loaded === "function" ? loaded : loaded.default ?? loaded.y18n;

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

const texts = y18n({ directory: path.join(__dirname, "no-such-folder"), updateFiles: false, locale: "en" });
texts.updateLocale({ greeting: "hello" });
if (texts.__("greeting") !== "hello") throw new Error("a text is not found");
const given = (process.argv[2] ?? "").replace(/\bflag\b/g, FLAG);
try {
  texts.setLocale(given);
  texts.updateLocale({ [FLAG]: "set" });
} catch {
  // What is refused does no harm.
}
answer(reached());
