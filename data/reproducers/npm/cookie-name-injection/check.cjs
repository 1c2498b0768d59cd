// A cookie's name, path and domain are written into a header as they are. A name with a semicolon
// or an equals sign in it sets other attributes than the program meant.
// The argument is the name. Red is where it is written although it ends before its last sign.
const cookie = require("cookie");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (cookie.serialize("name", "value") !== "name=value") throw new Error("a cookie is not written");
const name = process.argv[2] ?? "";
let header;
try {
  header = cookie.serialize(name, "value");
} catch {
  answer(false);
}
answer(/[=;]/.test(name) && header.startsWith(name) && header.split(/[=;]/)[0] !== name);
