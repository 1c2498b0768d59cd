// The package decodes what can be decoded and leaves the rest as it is, so it should never throw.
// The argument is the text. Red is where an error comes out.
const decode = require("decode-uri-component");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (decode("a%20b") !== "a b" || decode("%") !== "%") throw new Error("a text is not decoded");
try {
  decode(process.argv[2] ?? "");
} catch {
  answer(true);
}
answer(false);
