// An address may be written with fewer parts, or with hexadecimal ones. The package only knows the
// usual notation, and calls other ones public although they mean the machine itself.
// The argument is the address. Red is where it is called public and means 127.x.x.x or 10.x.x.x.
const ip = require("ip");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

if (!ip.isPublic("8.8.8.8") || ip.isPublic("127.0.0.1")) throw new Error("usual addresses are not told apart");
const address = process.argv[2] ?? "";
if (!/^[0-9a-fx.]{1,40}$/i.test(address)) answer(false);
let meant;
try {
  meant = new URL(`http://${address}/`).hostname;
} catch {
  answer(false);
}
let called = false;
try {
  called = ip.isPublic(address);
} catch {
  // An address that is refused is not called public.
}
answer(called && /^(127|10)\.\d+\.\d+\.\d+$/.test(meant));
