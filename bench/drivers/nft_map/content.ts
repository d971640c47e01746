/** The content that the drivers of `nft-map-load` load: Services' frontends, each to one of a few shared chains. */
import { createHash } from "node:crypto";

export type MapParameters = {
  readonly elements: number;
  /** Chains that the elements share. */
  readonly chains: number;
};

export interface MapElement {
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly chain: string;
}

export const tableName = "fairlead_bench";
export const mapName = "frontends";

export function chainNames({ chains }: MapParameters): string[] {
  return Array.from({ length: chains }, (_, i) => `fan-out-${i + 1}`);
}

/** Two frontends an address, of Kubernetes' usual Service range: the same for the same parameters. */
export function mapElements(parameters: MapParameters): MapElement[] {
  const chains = chainNames(parameters);
  return Array.from({ length: parameters.elements }, (_, i) => {
    const host = (10 << 24) + (96 << 16) + (i >> 1) + 1;
    return {
      address: [host >>> 24, (host >>> 16) & 255, (host >>> 8) & 255, host & 255].join("."),
      protocol: i % 2 === 0 ? "tcp" : "udp",
      port: i % 2 === 0 ? 443 : 53,
      chain: chains[i % chains.length]!,
    };
  });
}

/** The same content as nft reads it. */
export function nftText(parameters: MapParameters): string {
  const elements = mapElements(parameters).map(
    ({ address, protocol, port, chain }) => `${address} . ${protocol} . ${port} : goto ${chain}`,
  );
  return [
    `table ip ${tableName} {`,
    ...chainNames(parameters).map((name) => `  chain ${name} { }`),
    `  map ${mapName} {`,
    "    type ipv4_addr . inet_proto . inet_service : verdict",
    `    elements = { ${elements.join(",\n      ")} }`,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** IPPROTO_*, as `nft -n` prints them. */
export const protocolNumbers = { tcp: 6, udp: 17 } as const;

/** What {@link listedOutcome} says once the map is there. */
export function wantedOutcome(parameters: MapParameters): string {
  return outcomeOf(
    mapElements(parameters).map(
      ({ address, protocol, port, chain }) => `${address} . ${protocolNumbers[protocol]} . ${port} : goto ${chain}`,
    ),
  );
}

/** What `nft -n list map` shows, so that it is equal for equal maps: elements come in the order of hashing. */
export function listedOutcome(listing: string): string {
  return outcomeOf(listing.match(/[\d.]+ \. \d+ \. \d+ : goto [\w-]+/g) ?? []);
}

function outcomeOf(elements: readonly string[]): string {
  const digest = createHash("sha256").update(elements.toSorted().join("\n")).digest("hex");
  return `${elements.length} elements, sha256 ${digest.slice(0, 16)}`;
}
