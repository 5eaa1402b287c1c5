// npm ci && npm run build: bundles the editor with its licences into ../assets/vendor.
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";

const out = "../assets/vendor/editor.js";
const result = await build({
  entryPoints: ["editor.js"], bundle: true, minify: true, format: "iife", target: "es2020",
  outfile: out, legalComments: "none", metafile: true,
});

const packages = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
const licences = [...packages].sort().map((name) => {
  const folder = join("node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : about.license;
  return `${name} ${about.version} (${about.license})\n\n${text}\n`;
});
writeFileSync("../assets/vendor/editor.LICENSES.txt", licences.join("\n" + "-".repeat(78) + "\n\n"));
