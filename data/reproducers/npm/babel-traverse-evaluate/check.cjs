// Babel works out constant expressions while it compiles. Where it calls any method of the global
// Number or String, it also finds the inherited one that makes a function from a text.
// The argument names such a method; the text only returns a word, and red is where the word comes.
const traverse = require("@babel/traverse").default;

const WORD = "reached";

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const name = (text) => ({ type: "Identifier", name: text });
const string = (value) => ({ type: "StringLiteral", value });
const call = (callee, ...rest) => ({ type: "CallExpression", callee, arguments: rest });
const member = (object, property) => ({
  type: "MemberExpression", object: name(object), property: name(property), computed: false,
});
const withToString = (value) => ({
  type: "ObjectExpression",
  properties: [{ type: "ObjectProperty", key: name("toString"), value, computed: false, shorthand: false }],
});

// What the first call of a program with this one expression is worth, as Babel sees it.
function evaluate(expression) {
  const body = [{ type: "ExpressionStatement", expression }];
  const program = { type: "Program", body, directives: [], sourceType: "script" };
  let result;
  traverse({ type: "File", program }, {
    CallExpression(path) {
      result = path.evaluate();
      path.stop();
    },
  });
  return result;
}

const benign = evaluate(call(member("Math", "max"), { type: "NumericLiteral", value: 3 }));
if (benign?.value !== 3) throw new Error("a constant expression is not evaluated");
const [object, method] = (process.argv[2] ?? "").split(".");
if (!/^\w+$/.test(object) || !/^\w+$/.test(method ?? "")) answer(false);
let value;
try {
  const made = call(member(object, method), string(`return "${WORD}"`));
  ({ value } = evaluate(call(name("String"), withToString(made))));
} catch {
  // An expression that cannot be evaluated is harmless.
}
answer(value === WORD);
