/**
 * Makes `fairlead proxy` one file, dist/proxy/program.cjs: of the 300 that it is otherwise node reads and links one by one,
 * which is half of the time from its start to its first request (docs/decisions/051-proxy-memory.md). Beside it lies what
 * V8 makes of it (docs/decisions/100-proxy-first-sync.md).
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** The commands of src/cmd/table.ts: the others stay where they are. */
const otherCommand = /^\.\/(?!proxy\.js)(.*\.js)$/;

const bundle = await rolldown({
  input: { program: at("dist/src/cmd/start.js") },
  platform: "node",
  external: [/^@kubernetes\//],
  plugins: [
    {
      name: "other commands",
      resolveId(id, importer) {
        const command = importer === at("dist/src/cmd/table.js") ? otherCommand.exec(id)?.[1] : undefined;
        return command === undefined ? null : { id: `../src/cmd/${command}`, external: true };
      },
    },
  ],
});
rmSync(at("dist/proxy"), { recursive: true, force: true });
const output = { dir: at("dist/proxy"), format: "cjs", codeSplitting: false, entryFileNames: "[name].cjs" };
const { code } = (await bundle.write(output)).output[0];
await bundle.close();
const program = ascii(code.replaceAll(/\bimport\((?=")/g, "importModule("));
// A function already, as what is put around it when it is read would be a copy of it.
const parameters = "exports, require, module, __filename, importModule";
writeFileSync(at("dist/proxy/program.cjs"), `(function (${parameters}) {${program}\n})\n`);
makeCache();
// Last: the launcher takes a bundle that is there.
copyFileSync(at("scripts/bundle-proxy.main.cjs"), at("dist/proxy/main.cjs"));

/** The same in ASCII alone: in texts, patterns and names an escape means the character. */
function ascii(text) {
  return text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Of all functions, with the launcher's flags: V8 takes code that was made with others for foreign. */
function makeCache() {
  const flags = /exec node (.*) "\$main"/.exec(readFileSync(at("fairlead"), "utf8"))[1].split(" ");
  const make = `
    const { writeFileSync } = require("node:fs");
    const { setFlagsFromString } = require("node:v8");
    const { compile, cacheFile } = require(${JSON.stringify(at("dist/proxy/.main.cjs"))});
    setFlagsFromString("--no-lazy");
    const script = compile();
    setFlagsFromString("--lazy");
    writeFileSync(cacheFile, script.createCachedData());`;
  copyFileSync(at("scripts/bundle-proxy.main.cjs"), at("dist/proxy/.main.cjs"));
  execFileSync(process.execPath, [...flags, "-e", make], { stdio: "inherit" });
  rmSync(at("dist/proxy/.main.cjs"));
}
