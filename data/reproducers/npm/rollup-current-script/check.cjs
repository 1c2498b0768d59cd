// A bundle learns its own address from `document.currentScript`. An element that a page's author
// let in can take that name, so the bundle must ask whether it is a script.
// The argument is the tag of such an element; red is where its address is believed.
const vm = require("node:vm");
const { rollup } = require("rollup");

const ELSEWHERE = "https://elsewhere.example/image";
const PAGE = "https://page.example/";

// The token's line comes last, and only with an answer.
function answer(present) {
  console.log(process.env.BACKSTITCH_TOKEN);
  process.exit(present ? 42 : 0);
}

// The address that a bundle of one module believes to be its own.
async function address(format, tagName) {
  const source = { name: "memory", resolveId: (id) => id, load: () => "export default import.meta.url;" };
  const bundle = await rollup({ input: "entry.js", plugins: [source], onwarn() {} });
  const { output } = await bundle.generate({ format, name: "result", exports: "default" });
  const document = { baseURI: PAGE, currentScript: { tagName, src: ELSEWHERE } };
  const context = vm.createContext({ document, location: { href: PAGE }, URL });
  vm.runInContext(output[0].code, context);
  return vm.runInContext("String(result)", context);
}

async function main() {
  if ((await address("iife", "SCRIPT")) !== ELSEWHERE) throw new Error("a script's own address is not found");
  const tag = process.argv[2] ?? "";
  if (!/^[a-z]+$/i.test(tag) || tag.toUpperCase() === "SCRIPT") answer(false);
  const addresses = [await address("iife", tag), await address("umd", tag)];
  answer(addresses.includes(ELSEWHERE));
}

main().catch(() => process.exit(1));
