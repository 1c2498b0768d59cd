// The boundary between the parts of a form must not be guessed. If it is made with `Math.random`,
// then two forms have the same boundary whenever that function gives the same numbers.
// The argument is the number that it gives here, from 0 up to but not including 1.
const FormData = require("form-data");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function boundary() {
  const form = new FormData();
  form.append("field", "value");
  return form.getBoundary();
}

const usual = boundary();
if (typeof usual !== "string" || usual.length < 16 || usual === boundary()) throw new Error("no boundary is made");
if (!/^0\.\d{1,16}$/.test(process.argv[2] ?? "")) answer(false);
const number = Number(process.argv[2]);
Math.random = () => number;
answer(boundary() === boundary());
