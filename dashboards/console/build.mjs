// Builds the console into dist/, which is committed: a build of the daemon needs no node.
//   node build.mjs           builds
//   node build.mjs --check   builds beside it and fails where dist/ is not what the source says
import { build } from "esbuild";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const here = import.meta.dirname;
const check = process.argv.includes("--check");
const out = check ? mkdtempSync(join(tmpdir(), "console-")) : join(here, "dist");

// What the console may weigh on a village's line, gzipped.
const MOST = { "console.js": 70_000, "console.css": 15_000 };

await build({
  entryPoints: [{ in: join(here, "src/main.tsx"), out: "console" }],
  bundle: true,
  minify: true,
  target: ["es2021"],
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: out,
  legalComments: "none",
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) writeFileSync(join(out, name), readFileSync(join(here, "src", name)));

// The licences of what is bundled go with it.
const bundled = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];
const licences = bundled.map((name) => {
  const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim();
  return `${name}\n${"=".repeat(name.length)}\n${text}\n`;
});
writeFileSync(join(out, "licenses.txt"), licences.join("\n"));

// FNV-1a (64 bits) over the source, so that a test without node can tell a dist/ that is out of date.
let hash = 0xcbf29ce484222325n;
for (const name of readdirSync(join(here, "src")).sort()) {
  for (const byte of [...Buffer.from(name), 0, ...readFileSync(join(here, "src", name))]) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
}
writeFileSync(join(out, "built-from.txt"), `${hash.toString(16).padStart(16, "0")}\n`);

let failed = false;
for (const [name, most] of Object.entries(MOST)) {
  const size = gzipSync(readFileSync(join(out, name)), { level: 9 }).length;
  console.log(`${name} ${size} bytes gzipped (at most ${most})`);
  failed ||= size > most;
}
if (check) {
  for (const name of readdirSync(out)) {
    if (!readFileSync(join(out, name)).equals(readFileSync(join(here, "dist", name)))) {
      console.error(`dist/${name} is not what the source says: npm run build`);
      failed = true;
    }
  }
  rmSync(out, { recursive: true });
}
process.exit(failed ? 1 : 0);
