// In a style sheet a carriage return ends a line like a line feed. The package did not know that
// within brackets, and read a comment there as plain text.
// The argument is a style sheet. Red is where it is read otherwise than with line feeds.
const postcss = require("postcss");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const shape = (node) => [node.type, node.selector ?? node.prop ?? node.name, (node.nodes ?? []).map(shape)];

// What is in the sheet, or that it cannot be read.
function read(text) {
  try {
    return JSON.stringify(shape(postcss.parse(text)));
  } catch (error) {
    if (error.name !== "CssSyntaxError") throw error;
    return "unreadable";
  }
}

if (read("a{b:c}") === "unreadable" || read("a{b:c;\rd:e}") !== read("a{b:c;\nd:e}")) throw new Error("a sheet is not read");
const text = process.argv[2] ?? "";
answer(read(text) !== read(text.replace(/\r\n?/g, "\n")));
