// The values of an object are mapped, and the result has the same keys. A key `__proto__` becomes
// the prototype of the result, which then has keys that a check of its own ones misses.
// The argument is a JSON text with the object. Red is where the result's prototype is not the usual.
const async = require("async");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

function map(object) {
  return new Promise((resolve, reject) => {
    const same = (value, key, done) => done(null, value);
    async.mapValues(object, same, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

async function main() {
  const benign = await map({ a: 1 });
  if (benign.a !== 1 || Object.getPrototypeOf(benign) !== Object.prototype) throw new Error("values are not mapped");
  let object;
  try {
    object = JSON.parse(process.argv[2] ?? "");
  } catch {
    answer(false);
  }
  if (object === null || typeof object !== "object") answer(false);
  answer(Object.getPrototypeOf(await map(object)) !== Object.prototype);
}

main().catch(() => process.exit(1));
