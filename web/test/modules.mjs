// The page's own modules that draw nothing, for tests in node.
import { build } from "esbuild";
import { fileURLToPath, pathToFileURL } from "node:url";

const at = path => fileURLToPath(new URL(path, import.meta.url));
const outfile = at("../build/modules.mjs");
await build({
  stdin: {
    contents: ["format", "decode", "run", "history", "bytes", "lanes", "merge", "numbers", "words", "series"]
      .map(name => `export * from "./${name}";`).join("\n") + 'export { matches } from "./ui/picker"; export { tickStep } from "./draw/scale";',
    resolveDir: at("../src"), loader: "ts",
  },
  bundle: true, format: "esm", outfile, logLevel: "error",
});
export const modules = await import(pathToFileURL(outfile).href);
