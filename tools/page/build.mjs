// Builds the page into one document: built/index.html, which musterd carries inside. Its parts are
// inline because a Content-Security-Policy can name them by their hash, and one answer is one round
// trip. The same sources and lock file give the same bytes on every machine.
// Usage: node build.mjs [--check]   (--check: fails if built/index.html is not what would be built)
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

process.chdir(new URL(".", import.meta.url).pathname);
const result = await build({
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  write: false,
  outdir: "out",
  target: ["chrome100", "firefox100", "safari15"],
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
});
const text = (ending) =>
  result.outputFiles
    .filter((file) => file.path.endsWith(ending))
    .map((file) => file.text)
    .join("")
    .trim();
const script = text(".js").replaceAll("</script", "<\\/script");
// A replacement by function: what is put in has dollar signs of its own.
const page = readFileSync("src/index.html", "utf8")
  .replace("/*style*/", () => text(".css"))
  .replace("/*script*/", () => script);

const target = "built/index.html";
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== page) {
    console.error(`${target} is not what its sources give: run tools/page/build`);
    process.exit(1);
  }
} else {
  writeFileSync(target, page);
}
console.log(`${target}: ${page.length} characters, ${gzipSync(page, { level: 9 }).length} bytes compressed`);
