// The parts of a header about caching are split at commas and the spaces around them. The search
// begins again at each space of a gap that no comma ends.
// The argument is repeated to make such a gap, and its cost is compared at two sizes.
const CachePolicy = require("http-cache-semantics");

const RUNS = 5;
const SIZE = 1024;
const ATTEMPTS = 3;
const LINEAR_MAX = 14;
const QUADRATIC_MIN = 28;

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

const policy = (text) => new CachePolicy({ method: "GET", url: "/", headers: {} }, { status: 200, headers: { "cache-control": text } });
if (policy("public, max-age=60").maxAge() !== 60) throw new Error("a header is not read");
const [part] = process.argv.slice(2);
if (!part) answer(false);
const make = (size) => "a" + part.repeat(Math.ceil(size / part.length)) + "a";
answer(grows(make, policy));
