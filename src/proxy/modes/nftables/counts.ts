/** What the elements of a family's table have counted, as counts of Services' frontends. Pure. */
import type { NftElement } from "../../../kernel/netlink/nftables/state.ts";
import type { FrontendCount, IpFamily } from "../../../model/service.ts";
import type { ProgrammedFrontend } from "../../derive/claims.ts";
import { setNames } from "./sets.ts";

/** A connection's first packet is counted by the element that it finds; the last one has it where sources are checked. */
export const countedSets: readonly string[] = [
  setNames.address.frontends,
  setNames.nodePort.frontends,
  setNames.restricted,
];

/**
 * @param elements of {@link countedSets}
 * @returns one for each frontend; nothing of it where the kernel has no element of it yet
 */
export function countsOf(
  family: IpFamily,
  frontends: Iterable<ProgrammedFrontend>,
  elements: readonly NftElement[],
): readonly FrontendCount[] {
  const counted = new Map(elements.map((element) => [text(element.key), counterOf(element)]));
  return Array.from(frontends, ({ key, service, frontend: { address, port, protocol } }) => {
    const { packets = 0n, bytes = 0n } = counted.get(key) ?? {};
    return { service: withoutProtocol(service), family, protocol, address, port, packets, bytes };
  });
}

function counterOf({ expressions = [] }: NftElement): { packets?: bigint; bytes?: bigint } {
  for (const one of expressions) if (one.expr === "counter") return one;
  return {};
}

function withoutProtocol(service: string): string {
  return service.slice(0, service.lastIndexOf("/"));
}

function text(key: Uint8Array | undefined): string {
  return Buffer.from(key ?? []).toString("latin1");
}
