/** Node ports at this machine's own loopback addresses, as the relay serves them beside any mode. Pure. */
import type { RelayFrontend } from "../../../kernel/ports.ts";
import { parseIp, type IpAddress } from "../../../model/address.ts";
import type { IpFamily } from "../../../model/service.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend } from "../../derive/frontends.ts";
import { renderRelayed } from "./render.ts";

export const loopback: Readonly<Record<IpFamily, IpAddress>> = {
  IPv4: parseIp("127.0.0.1")!,
  IPv6: parseIp("::1")!,
};

/** What of a service port is there for them; undefined: nothing. */
export function nodePortsOf(wanted: WantedPort | undefined): WantedPort | undefined {
  const frontends = wanted?.frontends.filter(({ kind }) => kind === "nodePort") ?? [];
  return frontends.length === 0 ? undefined : { ...wanted!, frontends };
}

/** Clients are this node's: policy Local leads them to the cluster's endpoints, as it does everywhere. None: nobody listens. */
export function renderLocalhost(frontend: Frontend): readonly RelayFrontend[] {
  const [first] = renderRelayed(frontend);
  const { target } = frontend;
  if (!first || (target.action === "balance local" && target.inside.length === 0)) return [];
  return [{ ...first, listen: { address: loopback[frontend.family], port: frontend.port } }];
}
