// If a property has been set on the object that all others inherit from, a template takes it for an
// option. The prototype here is one of the program's own, so nothing else sees it.
// The argument is the sign that opens and closes code. Red is where the inherited sign is believed.
const ejs = require("ejs");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const sign = process.argv[2] ?? "";
const template = `<${sign}= word ${sign}>`;
const render = (options) => ejs.compile(template, options)({ word: "reached" });

if (ejs.compile("<%= a %>", {})({ a: "b" }) !== "b") throw new Error("a template does not work");
if (!/^[^\w\s%<>=-]$/.test(sign)) answer(false);
let own;
try {
  own = render({ delimiter: sign });
} catch {
  answer(false);
}
if (own !== "reached") answer(false);
answer(render(Object.create({ delimiter: sign })) === "reached");
