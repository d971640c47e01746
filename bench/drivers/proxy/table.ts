/** Our table of a cluster's Services in a namespace: derive, render, plan, encode, commit. */
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import type { NamespaceRef } from "../../../src/kernel/native.ts";
import type { EndpointSlice, Service } from "../../../src/model/kubernetes.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import type { ModeOptions } from "../../../src/proxy/derive/mode_options.ts";
import { Ruleset } from "../../../src/proxy/modes/nftables/ruleset.ts";
import type { Cleanup } from "../../driver.ts";
import {
  clusterCidr,
  endpointAddresses,
  nodeName,
  serviceCidr,
  serviceObject,
  sliceObject,
  type ProxyParameters,
} from "./content.ts";

const family = "IPv4" as const;
const deriveOptions = { node: { name: nodeName, zone: "" }, masqueradeAll: false };

export const tableOptions: ModeOptions = {
  family,
  masqueradeMark: 1 << 14,
  local: { mode: "cidr", cidr: clusterCidr },
  nodePortAddresses: [],
  serviceCidrs: [serviceCidr],
};

export function newRuleset(): Ruleset {
  return new Ruleset(tableOptions);
}

/** Takes a Service and its slice into the ruleset. */
export function want(ruleset: Pick<Ruleset, "set">, service: Service, slice: EndpointSlice): void {
  for (const [name, wanted] of deriveService(service, [slice], family, deriveOptions)) ruleset.set(name, wanted);
}

export interface Cluster {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

/** @param targets addresses of the first Service's endpoints, where packets are to arrive */
export function clusterOf(parameters: ProxyParameters, targets?: readonly string[]): Cluster {
  const indexes = Array.from({ length: parameters.services }, (_, i) => i);
  const addressesOf = (i: number): readonly string[] => (i === 0 && targets) || endpointAddresses(i, parameters);
  return { services: indexes.map(serviceObject), slices: indexes.map((i) => sliceObject(i, addressesOf(i))) };
}

/** An empty table of ours in a namespace. */
export async function openTable(
  namespace: NamespaceRef,
  cleanup: Cleanup,
): Promise<{ readonly ruleset: Ruleset; readonly table: NftablesTable }> {
  const port = await RealNftables.open(namespace);
  cleanup.add(() => port.close());
  const ruleset = newRuleset();
  return { ruleset, table: new NftablesTable(port, ruleset) };
}
