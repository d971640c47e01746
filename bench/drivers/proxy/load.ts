/** The whole table of a cluster's Services, and one change of it: no API server, no packets. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { timed } from "../../clock.ts";
import type { Driver, Measurement } from "../../driver.ts";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import { freshNamespace, missingProgram, runProgram, scratchFolder } from "../../namespace.ts";
import { median } from "../../statistics.ts";
import { endpointAddress, endpointAddresses, sliceObject, type ProxyParameters } from "./content.ts";
import { rivalChange, rivalText } from "./rival_text.ts";
import { clusterOf, openTable, want } from "./table.ts";

export type LoadParameters = ProxyParameters & {
  /** Changes one after another, each of one endpoint of another Service. */
  readonly changes: number;
};

export const fairleadTable: Driver<LoadParameters> = {
  name: "fairlead",
  what: "objects to the kernel's commit, by way of derive, render, plan and NftablesPort; parsed before",
  async prepare(parameters, cleanup) {
    const namespace = await freshNamespace(cleanup);
    const { ruleset, table } = await openTable(namespace, cleanup);
    const { services, slices } = clusterOf(parameters);
    const load = async (): Promise<void> => {
      services.forEach((service, i) => want(ruleset, service, slices[i]!));
      await table.repair();
    };
    const change = async (i: number): Promise<void> => {
      want(ruleset, services[i]!, sliceObject(i, changed(i, parameters)));
      await table.sync();
    };
    return () => measure(load, change, namespace, parameters);
  },
};

export const kubeProxyShape: Driver<LoadParameters> = {
  name: "kube-proxy's shape",
  what: "a ruleset of kube-proxy's nftables shape, rendered here, read by nft -f: without kube-proxy's own work",
  missing: () => missingProgram("nft"),
  async prepare(parameters, cleanup) {
    const namespace = await freshNamespace(cleanup);
    const folder = scratchFolder(cleanup);
    const read = async (name: string): Promise<unknown> =>
      runProgram(namespace, ["nft", "-f", path.join(folder, name)]);
    writeFileSync(path.join(folder, "all"), rivalText(parameters));
    for (let i = 0; i < parameters.changes; i++) {
      const text = rivalChange(i, endpointAddresses(i, parameters), changed(i, parameters));
      writeFileSync(path.join(folder, String(i)), text);
    }
    return () =>
      measure(
        () => read("all"),
        (i) => read(String(i)),
        namespace,
        parameters,
      );
  },
};

/** The first endpoint is replaced. */
function changed(i: number, parameters: ProxyParameters): readonly string[] {
  return [endpointAddress(i, 0, 1), ...endpointAddresses(i, parameters).slice(1)];
}

async function measure(
  load: () => Promise<unknown>,
  change: (i: number) => Promise<unknown>,
  namespace: NativeNamespace,
  parameters: LoadParameters,
): Promise<Measurement> {
  const all = await timed(load);
  const changes: number[] = [];
  for (let i = 0; i < parameters.changes; i++) changes.push(await timed(() => change(i)));
  return {
    figures: { load: { value: all, unit: "ms" }, change: { value: median(changes), unit: "ms" } },
    outcome: await targets(namespace, parameters),
  };
}

/** Which endpoints the changed Services have, by addresses that nft finds anywhere in the ruleset. */
async function targets(namespace: NativeNamespace, parameters: LoadParameters): Promise<string> {
  if (missingProgram("nft")) return "not seen";
  const listing = await runProgram(namespace, ["nft", "-n", "list", "ruleset"]);
  const there = new Set(listing.match(/\b10\.\d+\.\d+\.\d+\b/g));
  const wanted = Array.from({ length: parameters.services }, (_, i) =>
    i < parameters.changes ? changed(i, parameters) : endpointAddresses(i, parameters),
  ).flat();
  const missing = wanted.filter((address) => !there.has(address)).length;
  const stale = Array.from({ length: parameters.changes }, (_, i) => endpointAddress(i, 0)).filter((a) => there.has(a));
  return `${wanted.length - missing} endpoints, ${missing} missing, ${stale.length} stale`;
}
