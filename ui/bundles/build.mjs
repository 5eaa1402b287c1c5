// npm ci && npm run build: bundles what the pages load, with the licences, into ../assets/vendor.
// Every package is pinned and checked against its hash in package-lock.json; `bundles.json` beside the bundles says
// which lock and which sources they were built from, and a test compares it with both.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";

const OUT = process.argv[2] || "../assets/vendor";
const SOURCES = ["build.mjs", "cytoscape.js", "editor.js", "glide.js", "package-lock.json", "package.json", "pdf.js", "plotly.js", "svg.js", "veil.js"];
const sha256 = (content) => createHash("sha256").update(content).digest("hex");

const upstream = resolve("node_modules/.dash-cytoscape");

/* dash-cytoscape publishes no sources but in the source maps of its development bundle: its own files are taken out. */
function unpackDashCytoscape(folder) {
  const bundle = readFileSync("node_modules/dash-cytoscape/dash_cytoscape/dash_cytoscape.dev.js", "utf8");
  rmSync(folder, { recursive: true, force: true });
  for (const [, map] of bundle.matchAll(/sourceMappingURL=data:application\/json;charset=utf-8;base64,([\w+/=]+)/g)) {
    const { sources, sourcesContent } = JSON.parse(Buffer.from(map, "base64").toString("utf8"));
    sources.forEach((source, i) => {
      const path = source.match(/^webpack:\/\/dash_cytoscape\/(\.\/src\/[\w./]+)\?/)?.[1];
      if (!path?.endsWith(".js")) return;
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, sourcesContent[i]);
    });
  }
}

/* What Dash has put on the page already. */
const GLOBALS = { react: "React", "react-dom": "ReactDOM", "prop-types": "PropTypes" };
const fromDash = {
  name: "from-dash",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(react|react-dom|prop-types)$/ }, ({ path }) => ({ path, namespace: "dash" }));
    onLoad({ filter: /.*/, namespace: "dash" }, ({ path }) => ({ contents: `module.exports = window.${GLOBALS[path]};` }));
  },
};

/* The styles of its context menu, which no page opens, are there only as what webpack made of them. */
const noMenu = {
  name: "no-menu",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/contextmenu\.css$/ }, ({ path }) => ({ path, namespace: "none" }));
    onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "" }));
  },
};

/* Styles that a script imports are put into the page when it runs. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, ({ path }) => ({
      contents: `const box = document.createElement("style");
        box.textContent = ${JSON.stringify(readFileSync(path, "utf8"))};
        document.head.appendChild(box);`,
    }));
  },
};

unpackDashCytoscape(upstream);
const bundles = {
  cytoscape: {
    plugins: [fromDash, noMenu],
    alias: {
      "dash-cytoscape-source": join(upstream, "src/lib/components/Cytoscape.react.js"),
      cytoscape: resolve("node_modules/cytoscape/dist/cytoscape.cjs.js"), // one copy for those who import and who require
    },
    loader: { ".js": "jsx" },
  },
  editor: {},
  pdf: { loader: { ".ttf": "base64" }, external: ["canvg", "dompurify", "html2canvas"] }, // what jsPDF asks for only to draw HTML
  plotly: {
    plugins: [styles],
    alias: { stream: "stream-browserify" },
    define: { global: "window", "define.amd": "false", "process.env.NODE_DEBUG": "false" },
  },
};

mkdirSync(OUT, { recursive: true });
const written = {};
for (const [name, options] of Object.entries(bundles)) {
  const outfile = join(OUT, `${name}.js`);
  const { metafile } = await build({
    entryPoints: [`${name}.js`], bundle: true, minify: true, format: "iife", target: "es2020", outfile, legalComments: "none",
    metafile: true, define: { "process.env.NODE_ENV": "\"production\"" }, nodePaths: ["node_modules"], ...options,
  });
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    if (input.includes("node_modules/.dash-cytoscape/")) packages.add("dash-cytoscape");
    const found = input.match(/.*node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//);
    if (found) packages.add(found[1]);
  }
  const licences = [...packages].sort().map((entry) => {
    const folder = join("node_modules", entry);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : about.license;
    const kind = entry === "dejavu-fonts-ttf" ? "Bitstream-Vera" : about.license; // it says only where its licence is
    return `${entry} ${about.version} (${kind})\n\n${text}\n`;
  });
  const beside = join(OUT, `${name}.LICENSES.txt`);
  writeFileSync(beside, licences.join("\n" + "-".repeat(78) + "\n\n"));
  written[`${name}.js`] = sha256(readFileSync(outfile));
  written[`${name}.LICENSES.txt`] = sha256(readFileSync(beside));
}
const sources = Object.fromEntries(SOURCES.map((name) => [name, sha256(readFileSync(name))]));
writeFileSync(join(OUT, "bundles.json"), JSON.stringify({ sources, bundles: written }, null, 1) + "\n");
