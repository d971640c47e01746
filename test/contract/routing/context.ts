/** What the parts of routing's contract share: two namespaces, and changes in one line. */
import { getSystemErrorName } from "node:util";
import { afterEach, beforeEach, expect } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import type { Link } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import type { RoutingChange, RoutingObject, RoutingPort, RoutingVerbs } from "../../../src/kernel/ports.ts";

/** Two empty namespaces with a loopback that is down. */
export interface RoutingBench {
  readonly port: RoutingPort;
  readonly other: RoutingPort;
  /** Descriptor of the other namespace, for `netnsFd`. */
  readonly otherFd: number;
  close(): void;
}

export const ip = (text: string) => text as IpAddress;
export const up = { flags: ["up"], change: ["up"] } as const;
export const down = { flags: [], change: ["up"] } as const;
export const peerHeader = { family: "unspec", hardwareType: "unspec", flags: [], change: [] } as const;

/** Indexes are asked for, so that a batch can name what it makes. */
export const left = 10;
export const right = 11;
export const bridge = 20;
export const vxlan = 30;

type ChangeOf<O extends RoutingObject, V> = Extract<RoutingChange, { object: O; verb: V }>["value"];

/** A change in one line. */
export function change<O extends RoutingObject, V extends RoutingVerbs[O]>(verb: V, object: O, value: ChangeOf<O, V>) {
  return { verb, object, value } as unknown as RoutingChange;
}

export const addPair = change("add", "link", {
  index: left,
  name: "left",
  info: { kind: "veth", peer: { ...peerHeader, index: right, name: "right" } },
});
export const addBridge = change("add", "link", { index: bridge, name: "bridge", info: { kind: "bridge" } });
export const addVxlan = change("add", "link", {
  index: vxlan,
  name: "vxlan",
  info: { kind: "vxlan", id: 7, port: 4789, local: ip("10.1.0.1"), learning: false },
});
export const set = (index: number, state: typeof up | typeof down) => change("change", "link", { index, ...state });
export const address = (local: string, prefixLength: number, index = left) => ({
  index,
  local: ip(local),
  prefixLength,
});
export const route = (destination: string, destinationPrefixLength: number) => ({
  destination: ip(destination),
  destinationPrefixLength,
});
/** A pair that is up, with 10.1.0.1/24 and fd01::1/64 on its left end. */
export const ready = [
  addPair,
  change("change", "link", { index: left, addressFamilies: { inet6: { addressGeneration: "none" } } }),
  change("change", "link", { index: right, addressFamilies: { inet6: { addressGeneration: "none" } } }),
  set(left, up),
  set(right, up),
  change("add", "address", address("10.1.0.1", 24)),
  change("add", "address", { ...address("fd01::1", 64), flags: ["noDad"] }),
];

export interface RoutingContext {
  readonly port: RoutingPort;
  readonly other: RoutingPort;
  readonly otherFd: number;
  /** "ok" or the name of the errno, for each change. */
  outcomes(...changes: RoutingChange[]): Promise<string[]>;
  /** Applies changes, none of which may be refused. */
  prepare(...changes: RoutingChange[]): Promise<void>;
  linkNames(port?: RoutingPort): Promise<(string | undefined)[]>;
  linkAt(index: number): Promise<Link | undefined>;
}

/** Fresh namespaces for each test of the suite. */
export function useRouting(open: () => Promise<RoutingBench>): () => RoutingContext {
  let bench: RoutingBench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());
  return () => contextOf(bench);
}

function contextOf({ port, other, otherFd }: RoutingBench): RoutingContext {
  const outcomes = async (...changes: RoutingChange[]): Promise<string[]> =>
    (await port.apply(changes)).map((error) => (error ? getSystemErrorName(-error.errno!) : "ok"));
  return {
    ...{ port, other, otherFd, outcomes },
    async prepare(...changes) {
      expect(await outcomes(...changes)).toEqual(changes.map(() => "ok"));
    },
    linkNames: async (of = port) => (await of.links()).map((link) => link.name).sort(),
    linkAt: async (index) => (await port.links()).find((link) => link.index === index),
  };
}
