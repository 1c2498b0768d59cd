// The name that a template has for its data becomes part of the template's code. It is not asked
// whether it is a name, so it can be an expression.
// The argument is the name. Red is where it calls a function that this program has put there.
const _ = require("lodash");

const LENGTH_MAX = 60;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (_.template("<%= data.a %>", { variable: "data" })({ a: 1 }) !== "1") throw new Error("a template does not work");
const given = process.argv[2] ?? "";
// The only call that the text may ask for is the one that is watched.
if (given.length > LENGTH_MAX || /\(/.test(given.replaceAll("reach()", ""))) answer(false);
let present = false;
globalThis.reach = () => {
  present = true;
};
try {
  _.template("text", { variable: given })();
} catch {
  // What is refused, or is no valid code, does no harm.
}
answer(present);
