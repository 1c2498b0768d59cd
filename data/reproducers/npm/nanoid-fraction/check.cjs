// The package takes its random bytes from a pool. A size with a fraction moves the place in the
// pool between two bytes, where nothing is, so that every id is made of one letter from then on.
// The argument is the size. Red is where two ids of the usual size are the same afterwards.
const { nanoid } = require("nanoid");

const SIZE_MAX = 200;

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const [first, second] = [nanoid(), nanoid()];
if (first.length !== 21 || first === second) throw new Error("no random id is made");
const size = Number(process.argv[2] || NaN);
if (!(size > 0 && size <= SIZE_MAX)) answer(false);
nanoid(size);
answer(nanoid() === nanoid());
