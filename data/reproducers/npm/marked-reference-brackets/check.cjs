// Where a text defines a link, the package looks for references to it. An escaped bracket can be
// read in two ways there, and all combinations are tried.
// The argument is repeated a few times; four times as many must not cost hundreds of times as much.
const loaded = require("marked");

const marked = loaded.marked ?? loaded;
const RUNS = 5;
const TIMES = 5;
const ATTEMPTS = 3;
const FLAT_MAX = 20;
const EXPONENTIAL_MIN = 100;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// Processor time, the least of several runs, so that a busy machine does not matter.
function cost(text) {
  let least = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const start = process.cpuUsage();
    marked(text);
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, user + system);
  }
  return least;
}

if (!marked("[a]: /b\n\n[a]").includes('href="/b"')) throw new Error("a reference is not rendered");
const [part] = process.argv.slice(2);
if (!part || part.length > 40) answer(false);
const make = (times) => "[a]: /b\n\n" + part.repeat(times);
// Several attempts, as nothing is said of a growth between the two bounds.
for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
  const times = cost(make(4 * TIMES)) / Math.max(cost(make(TIMES)), 1);
  if (times < FLAT_MAX) answer(false);
  if (times > EXPONENTIAL_MIN) answer(true);
}
console.log("cannot tell: the cost grows neither clearly nor clearly not");
process.exit(3);
