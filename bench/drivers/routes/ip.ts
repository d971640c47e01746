/** The rival of `route-load`: iproute2 reads the routes from a file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import { pace, timed } from "../../clock.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { freshNamespace, missingProgram, runProgram, scratchFolder } from "../../namespace.ts";
import { batchText, linkName, listedOutcome, localAddress, peerName, type RouteParameters } from "./content.ts";

export const ipRoutes: Driver<RouteParameters> = {
  name: "ip -batch",
  what: "the process ip, from its start to its end; the file is written before",
  missing: () => missingProgram("ip"),
  async prepare(parameters, cleanup) {
    const file = path.join(scratchFolder(cleanup), "routes");
    writeFileSync(file, batchText(parameters));
    const namespace = await linkedNamespace(cleanup);
    return async () => {
      const time = await timed(() => runProgram(namespace, ["ip", "-batch", file]));
      return { figures: pace(time, parameters.routes), outcome: await listRoutes(namespace) };
    };
  },
};

/** A namespace with a link that routes can go through. */
export async function linkedNamespace(cleanup: Cleanup): Promise<NativeNamespace> {
  const namespace = await freshNamespace(cleanup);
  const lines = [
    `link add ${linkName} up type veth peer name ${peerName}`,
    `link set ${peerName} up`,
    `address add ${localAddress} dev ${linkName}`,
  ];
  await runProgram(namespace, ["ip", "-batch", "-"], lines.join("\n"));
  return namespace;
}

/** What iproute2 finds in the kernel: a judge that is not ours, for both drivers. */
export async function listRoutes(namespace: NativeNamespace): Promise<string> {
  return listedOutcome(await runProgram(namespace, ["ip", "-4", "route", "show"]));
}
