// The memory store keeps cookies by domain, in an object. A domain that is named like a property
// which every object has leads out of the store, and the cookie's path is set on a shared object.
// The argument is the domain. Red is where the path is found there; it is removed again.
const { CookieJar } = require("tough-cookie");

const PATH = "/backstitch-flag";

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

const jar = new CookieJar(undefined, { rejectPublicSuffixes: false });
jar.setCookieSync("flag=1; Domain=example.org; Path=/", "https://www.example.org/");
if (jar.getCookieStringSync("https://example.org/") !== "flag=1") throw new Error("a cookie is not kept");
const domain = process.argv[2] ?? "";
if (!/^\w+$/.test(domain)) answer(false);
try {
  jar.setCookieSync(`flag=1; Domain=${domain}; Path=${PATH}`, `https://${domain}${PATH}`);
} catch {
  // A cookie that is refused does no harm.
}
// What a plain object has under that name without having been given anything.
const shared = {}[domain.toLowerCase()];
const present = shared != null && Object.hasOwn(shared, PATH);
if (present) delete shared[PATH];
answer(present);
