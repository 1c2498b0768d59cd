// In the mode that is compatible with Mustache a name goes into the template's code between quotes.
// A quote within the name is not escaped, so code can follow it.
// The argument is the name. Red is where it calls a function that this program has put there.
const handlebars = require("handlebars");

const LENGTH_MAX = 60;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (handlebars.compile("{{a}}", { compat: true })({ a: "b" }) !== "b") throw new Error("a template does not work");
const given = process.argv[2] ?? "";
// The only call that the text may ask for is the one that is watched.
if (given.length > LENGTH_MAX || /\(/.test(given.replaceAll("reach()", ""))) answer(false);
let present = false;
globalThis.reach = () => {
  present = true;
};
try {
  handlebars.compile(`{{[${given}]}}`, { compat: true })({});
} catch {
  // What is refused, or is no valid code, does no harm.
}
answer(present);
