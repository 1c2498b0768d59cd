// The package writes a value as code that may stand in a page, so it escapes the signs that could
// end the script. It did not do so for a regular expression.
// The argument is the expression. Red is where one of those signs stands in the code as it is.
const serialize = require("serialize-javascript");

const UNSAFE = /[<>\u2028\u2029]/;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (UNSAFE.test(serialize({ text: "a<b>c" }))) throw new Error("a usual text is not escaped");
let expression;
try {
  expression = new RegExp(process.argv[2] ?? "");
} catch {
  answer(false);
}
answer(UNSAFE.test(serialize({ expression })));
