/**
 * A fresh namespace with a port to it and iproute2 beside it: three witnesses of the same network state
 * are Fairlead's codecs, iproute2 (ip, bridge, tc) and the npm package `netlink`.
 */
import { afterEach, beforeEach } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import { noLinkHeader, type Link } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import type { RoutingChange, RoutingPort } from "../../../src/kernel/ports.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";

export const ip = (text: string): IpAddress => text as IpAddress;
export const up = { flags: ["up"], change: ["up"] } as const;
const peer = { ...noLinkHeader, index: 11, name: "right" };

/** "left" (10) with 10.1.0.1/24 and "right" (11), both up. */
export const pair: readonly RoutingChange[] = [
  { verb: "add", object: "link", value: { index: 10, name: "left", ...up, info: { kind: "veth", peer } } },
  { verb: "change", object: "link", value: { index: 11, ...up } },
  { verb: "add", object: "address", value: { index: 10, local: ip("10.1.0.1"), prefixLength: 24 } },
];

export type Json = Record<string, unknown>;

export interface RtnetlinkBench {
  readonly namespace: NativeNamespace;
  readonly port: RoutingPort;
  /** Applies changes; throws the first refusal. */
  program(...changes: RoutingChange[]): Promise<void>;
  /** Runs one of iproute2's tools with JSON output; `command` is split at spaces. */
  tool(command: string, where?: NativeNamespace): Promise<Json[]>;
  /** Runs commands, each split at spaces. */
  commands(...lines: string[]): Promise<void>;
  oneLink(name: string): Promise<Link>;
}

/** A bench for each test of the suite. */
export function useBench(): () => RtnetlinkBench {
  const namespace = useNamespace();
  let port: RoutingPort;
  beforeEach(async () => {
    port = await openRouting({ namespace: namespace() });
  });
  afterEach(() => port.close());
  return () => benchOf(namespace(), port);
}

function benchOf(namespace: NativeNamespace, port: RoutingPort): RtnetlinkBench {
  return {
    namespace,
    port,
    async program(...changes) {
      for (const error of await port.apply(changes)) if (error) throw error;
    },
    async tool(command, where = namespace) {
      const [program, ...words] = command.split(" ") as [string, ...string[]];
      return JSON.parse((await run(where, [program, "-j", ...words])) || "[]") as Json[];
    },
    async commands(...lines) {
      for (const line of lines) await run(namespace, line.split(" ") as [string, ...string[]]);
    },
    async oneLink(name) {
      const link = (await port.links()).find((link) => link.name === name);
      if (!link) throw new Error(`there is no link ${name}`);
      return link;
    },
  };
}
