/**
 * Makes `fairlead proxy` a few files, dist/proxy/: of the 300 that it is otherwise node reads and links one by one, which
 * is half of the time from its start to its first request (docs/decisions/051-proxy-memory.md).
 */
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** The commands of src/cmd/table.ts: the others stay where they are. */
const otherCommand = /^\.\/(?!proxy\.js)(.*\.js)$/;

const bundle = await rolldown({
  input: at("dist/src/main.js"),
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
await bundle.write({ dir: at("dist/proxy"), format: "esm", cleanDir: true, chunkFileNames: "[name].js" });
await bundle.close();
