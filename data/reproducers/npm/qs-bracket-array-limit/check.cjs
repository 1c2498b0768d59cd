// A limit says how long a list in a query may become. A key with empty brackets went past it.
// The argument is the key, which is repeated more often than the limit allows.
// Red is where a list is found that is longer than the limit.
const qs = require("qs");

const LIMIT = 20;
const TIMES = 60;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function longest(value) {
  if (value === null || typeof value !== "object") return 0;
  const own = Array.isArray(value) ? value.length : 0;
  return Object.values(value).reduce((most, one) => Math.max(most, longest(one)), own);
}

if (qs.parse("a[]=1&a[]=2").a.join() !== "1,2") throw new Error("a query is not read");
const key = process.argv[2] ?? "";
if (!/\[\]/.test(key) || /[&=#]/.test(key)) answer(false);
const query = Array.from({ length: TIMES }, (_, i) => `${key}=${i}`).join("&");
let read;
try {
  read = qs.parse(query, { arrayLimit: LIMIT });
} catch {
  answer(false);
}
answer(longest(read) > LIMIT);
