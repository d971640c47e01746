/** The rival of `nft-map-load`: Debian's nft reads the content from a file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import { pace, timed } from "../../clock.ts";
import type { Driver } from "../../driver.ts";
import { freshNamespace, missingProgram, runProgram, scratchFolder } from "../../namespace.ts";
import { listedOutcome, mapName, nftText, tableName, type MapParameters } from "./content.ts";

export const nftMap: Driver<MapParameters> = {
  name: "nft -f",
  what: "the process nft, from its start to its end; the file is written before",
  missing: () => missingProgram("nft"),
  async prepare(parameters, cleanup) {
    const file = path.join(scratchFolder(cleanup), "map.nft");
    writeFileSync(file, nftText(parameters));
    const namespace = await freshNamespace(cleanup);
    return async () => {
      const time = await timed(() => runProgram(namespace, ["nft", "-f", file]));
      return { figures: pace(time, parameters.elements), outcome: await listMap(namespace) };
    };
  },
};

/** What nft finds in the kernel: a judge that is not ours, for both drivers. */
export async function listMap(namespace: NativeNamespace): Promise<string> {
  return listedOutcome(await runProgram(namespace, ["nft", "-n", "list", "map", "ip", tableName, mapName]));
}
