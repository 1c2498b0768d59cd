// Each brace that never closes makes the package copy what follows it, so that work and memory grow
// with the square. A bound on the length of a pattern keeps that small.
// The argument is repeated to make a short pattern of that kind, whose growth is measured. Red is
// where it grows so and where a pattern that is longer than the bound, but cheap, is not refused.
const braces = require("braces");

const RUNS = 5;
const SIZE = 256;
const ATTEMPTS = 3;
const LINEAR_MAX = 14;
const QUADRATIC_MIN = 28;
const LENGTH_MAX = 10_000;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// Processor time, the least of several runs, so that a busy machine does not matter.
function cost(work) {
  let least = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, user + system);
  }
  return least;
}

// How much dearer eight times the text is: about 8 where cost is linear, 64 where it is quadratic.
// A plain pass over the short text is the least that counts, as a shorter time is noise.
function growth(make, use) {
  const [short, long] = [make(SIZE), make(8 * SIZE)];
  use(make(SIZE / 2));
  const pass = cost(() => [...short].reduce((sum, c) => sum + c.charCodeAt(0), 0));
  return cost(() => use(long)) / Math.max(cost(() => use(short)), pass, 1);
}

// Several attempts, as nothing is said of a growth between the two bounds.
function grows(make, use) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const times = growth(make, use);
    if (times < LINEAR_MAX) return false;
    if (times > QUADRATIC_MIN) return true;
  }
  console.log("cannot tell: the cost grows neither clearly nor clearly not");
  process.exit(3);
}

function accepted(text) {
  try {
    braces(text);
    return true;
  } catch {
    return false;
  }
}

if (braces.expand("a{b,c}").join(" ") !== "ab ac") throw new Error("a pattern is not expanded");
const [part] = process.argv.slice(2);
if (!part || /[})]/.test(part)) answer(false);
const make = (size) => part.repeat(Math.ceil(size / part.length));
if (!accepted(make(SIZE)) || !accepted("a".repeat(2 * LENGTH_MAX))) answer(false);
answer(grows(make, (text) => braces(text)));
