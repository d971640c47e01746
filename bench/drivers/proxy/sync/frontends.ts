/** How many frontends of the cluster the kernel has, by mode: asked for from outside of the proxy that is measured. */
import type { NativeNamespace } from "../../../../src/kernel/native.ts";
import { openIpvs } from "../../../../src/kernel/real/ipvs.ts";
import { RealNftables } from "../../../../src/kernel/real/nftables.ts";
import type { Cleanup } from "../../../driver.ts";
import { runProgram } from "../../../namespace.ts";
import type { BenchedMode } from "./modes.ts";

export interface Frontends {
  /** Whether a count may be another than the last, as far as that is known cheaply. */
  readonly hasChanged: () => Promise<boolean>;
  readonly count: () => Promise<number>;
  /** How often that may be asked, in ms. */
  readonly lookEveryMs: number;
}

/** @param programs "iptables-nft", or "iptables-legacy" */
export async function openFrontends(
  mode: BenchedMode,
  programs: string,
  elements: { readonly table: string; readonly map: string },
  namespace: NativeNamespace,
  cleanup: Cleanup,
): Promise<Frontends> {
  if (mode === "ipvs") return virtualServers(namespace, cleanup);
  const nftables = await RealNftables.open(namespace);
  cleanup.add(() => nftables.close());
  const hasChanged = generations(nftables);
  if (mode === "nftables") {
    const table = { family: "ip", name: elements.table } as const;
    const count = async (): Promise<number> =>
      (await nftables.listElements(table, elements.map).catch(() => [])).length;
    return { hasChanged, count, lookEveryMs: 5 };
  }
  // A look is a process, and holds up another that writes; legacy tables have no generation.
  const isNft = programs.endsWith("-nft");
  const always = (): Promise<boolean> => Promise.resolve(true);
  return { hasChanged: isNft ? hasChanged : always, count: () => jumps(namespace, programs), lookEveryMs: 100 };
}

/** Costs next to nothing to ask for. */
function generations(nftables: RealNftables): () => Promise<boolean> {
  let seen = -1;
  return async () => {
    const generation = await nftables.generation();
    const changed = generation !== seen;
    seen = generation;
    return changed;
  };
}

/** KUBE-SERVICES is there when all is that it leads to. */
async function jumps(namespace: NativeNamespace, programs: string): Promise<number> {
  const listing = await runProgram(namespace, [programs, "-w", "5", "-t", "nat", "-S", "KUBE-SERVICES"]).catch(
    () => "",
  );
  return listing.match(/-j KUBE-(SVC|EXT)-/g)?.length ?? 0;
}

/** A server has its destinations a moment later; the first packets wait for the first Service's. */
async function virtualServers(namespace: NativeNamespace, cleanup: Cleanup): Promise<Frontends> {
  const port = await openIpvs({ namespace });
  if (!port) throw new Error("this kernel has no IPVS");
  cleanup.add(() => port.close());
  return {
    hasChanged: () => Promise.resolve(true),
    count: async () => (await port.services()).length,
    lookEveryMs: 100,
  };
}
