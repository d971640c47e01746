/** The rival of `nft-map-load`: Debian's nft reads the content from a file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import { pace, timed } from "../../clock.ts";
import type { Driver } from "../../driver.ts";
import { freshNamespace, missingProgram, runProgram, scratchFolder } from "../../namespace.ts";
import { listedOutcome, mapName, nftText, tableName, wantedOutcome, type MapParameters } from "./content.ts";

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
      return { figures: pace(time, parameters.elements), outcome: await listMap(namespace, parameters) };
    };
  },
};

const listAttempts = 10;
const betweenListsMs = 20;

/**
 * What nft finds in the kernel: a judge that is not ours, for both drivers.
 *
 * While the kernel still grows the set's hash table behind a load, a listing shows elements twice and
 * leaves others out, and nothing in it says so (a dump goes on at a position that the growth has moved).
 * So it is read again until it is what was loaded, or has had time enough to be.
 */
export async function listMap(namespace: NativeNamespace, parameters: MapParameters): Promise<string> {
  const wanted = wantedOutcome(parameters);
  for (let attempt = 1; ; attempt++) {
    const listing = await runProgram(namespace, ["nft", "-n", "list", "map", "ip", tableName, mapName]);
    const outcome = listedOutcome(listing);
    if (outcome === wanted || attempt === listAttempts) return outcome;
    await sleep(betweenListsMs);
  }
}
