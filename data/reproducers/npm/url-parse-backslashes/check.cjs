// In an address for the web a backslash counts as a slash. The package did not know that, so it
// saw a path where a browser sees a host.
// The argument is the address. Red is where the package and the standard differ about the host.
const Url = require("url-parse");

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// The host as the standard has it, and as the package has it.
function differs(address) {
  const standard = new URL(address);
  return /^https?:$/.test(standard.protocol) && new Url(address, {}).hostname !== standard.hostname;
}

if (differs("https://host.example/path")) throw new Error("a usual address is not read");
const address = process.argv[2] ?? "";
if (!/^https?:[\\/]*\\[\\/]*[a-z]/.test(address)) answer(false);
try {
  answer(differs(address));
} catch {
  answer(false);
}
