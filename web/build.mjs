// One file out of everything: dist/report.html. Two builds of the same sources are equal to the byte.
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const text = path => readFileSync(new URL(path, here), "utf8");
const MARKER = "<!--mkclean:data-->";

const LIBRARIES = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];
const licences = LIBRARIES.map(name => {
  const [head, rest] = split(text(`node_modules/${name}/LICENSE`));
  return { name, head, rest };
});
const said = [...new Set(licences.map(({ rest }) => rest))].map(rest =>
  [...licences.filter(licence => licence.rest === rest).map(({ name, head }) => `${name}: ${head}`), rest].join("\n")).join("\n\n");

// A licence's copyright line, and what it says: the same for several libraries, so that it is there once.
function split(licence) {
  const words = licence.replaceAll(/\s+/g, " ").trim();
  const at = words.indexOf("Permission is hereby granted");
  return [words.slice(0, at).trim(), words.slice(at)];
}


const bundle = async entry => (await build({
  entryPoints: [new URL(entry, here).pathname],
  bundle: true, minify: true, write: false, format: "iife", target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "inline", charset: "utf8", loader: { ".css": "css" },
})).outputFiles[0].text.trim();

const script = `/*!\n${said}\n*/\n${await bundle("src/ui/main.tsx")}`;
const style = await bundle("src/style.css");
const page = text("src/index.html").replace("%STYLE%", () => style).replace("%SCRIPT%", () => script);

if (/<\/script|<!--/i.test(script)) throw new Error("the script would end its own element");
if (page.split(MARKER).length !== 2) throw new Error(`${MARKER} has to be there once`);
mkdirSync(new URL("dist/", here), { recursive: true });
writeFileSync(new URL("dist/report.html", here), page);
console.log(`dist/report.html: ${Math.round(Buffer.byteLength(page) / 1024)} KB`);
