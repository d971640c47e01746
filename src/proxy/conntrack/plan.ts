/**
 * Frontends that changed, and entries of conntrack → what to ask the kernel for, and which entries are stale
 * (upstream: pkg/proxy/conntrack/cleanup.go).
 */
import type { IpAddress } from "../../model/address.ts";
import type { ConntrackEntry } from "../../kernel/netlink/ctnetlink/entry.ts";
import type { ConntrackFilter } from "../../kernel/netlink/ctnetlink/filter.ts";
import { endpointKey } from "../derive/endpoints.ts";
import { frontendKey, type FlowFrontend } from "./derive.ts";
import type { Dirty, FlowTable } from "./flow_table.ts";

/** Each dump walks the kernel's whole table, wherever it filters: beyond so many, one that gives more is cheaper. */
const maxDumps = 4;

/**
 * What to list: every flow of these frontends and, beyond a few frontends, others. Rules translate in zone 0; what is
 * tracked in other zones is somebody else's.
 */
export function planLists(frontends: Iterable<FlowFrontend>): readonly ConntrackFilter[] {
  const all = [...frontends];
  const byPort = grouped(all, ({ family, protocol, port }) => `${family} ${protocol} ${port}`);
  if (byPort.length <= maxDumps) return byPort.map(filterOfPort);
  return grouped(all, ({ family, protocol }) => `${family} ${protocol}`).map(([{ family, protocol }]) => ({
    family,
    zone: 0,
    original: { protocol },
  }));
}

type Group = readonly [FlowFrontend, ...FlowFrontend[]];

/** Of frontends of one port. */
function filterOfPort(group: Group): ConntrackFilter {
  const [{ family, protocol, port, address }, ...others] = group;
  const isOne = address !== undefined && others.length === 0;
  const original = { protocol, destinationPort: port, ...(isOne ? { destination: address } : {}) };
  return { family, zone: 0, original };
}

function grouped(frontends: readonly FlowFrontend[], keyOf: (frontend: FlowFrontend) => string): readonly Group[] {
  const groups = new Map<string, [FlowFrontend, ...FlowFrontend[]]>();
  for (const frontend of frontends) {
    const key = keyOf(frontend);
    const group = groups.get(key);
    if (group) group.push(frontend);
    else groups.set(key, [frontend]);
  }
  return [...groups.values()];
}

export interface StaleContext {
  readonly table: FlowTable;
  /** Frontends to look at. */
  readonly dirty: ReadonlyMap<string, Dirty>;
  readonly nodePortAddresses: ReadonlySet<IpAddress>;
}

/**
 * Whether an entry keeps a client's packets from where they are to go:
 * - its frontend is there, and it goes to an endpoint that does not serve it (any more);
 * - its frontend is there with an endpoint, and it goes nowhere: it began when there was none;
 * - its frontend is gone, and it goes to an endpoint that the frontend had;
 * - its client may not reach the frontend (any more): rules look at a flow's first packet alone.
 */
export function isStale(entry: ConntrackEntry, { table, dirty, nodePortAddresses }: StaleContext): boolean {
  const flow = flowOf(entry);
  if (!flow) return false;
  const key = keyOfFlow(flow, table, dirty, nodePortAddresses);
  const found = key === undefined ? undefined : dirty.get(key);
  if (key === undefined || !found) return false;
  if (table.has(key) && !table.admits(key, entry.original.source)) return true;
  if (table.serves(key, flow.backend)) return false;
  if (!table.has(key)) return found.gone.has(flow.backend);
  return flow.isTranslated || table.isServed(key);
}

interface Flow {
  readonly frontend: FlowFrontend & { readonly address: IpAddress };
  readonly backend: string;
  readonly isTranslated: boolean;
}

function flowOf({ family, zone, original, reply }: ConntrackEntry): Flow | undefined {
  const { protocol, destination: address, destinationPort: port } = original;
  if (zone !== 0 || port === undefined || reply.sourcePort === undefined) return undefined;
  if (protocol !== "udp" && protocol !== "sctp") return undefined;
  const backend = endpointKey({ ip: reply.source, port: reply.sourcePort });
  return {
    frontend: { family, protocol, address, port },
    backend,
    isTranslated: backend !== endpointKey({ ip: address, port }),
  };
}

/** A frontend of the address itself comes before node ports, which are of the node's addresses alone. */
function keyOfFlow(
  { frontend }: Flow,
  table: FlowTable,
  dirty: ReadonlyMap<string, Dirty>,
  nodePortAddresses: ReadonlySet<IpAddress>,
): string | undefined {
  const key = frontendKey(frontend);
  if (table.has(key) || dirty.has(key)) return key;
  return nodePortAddresses.has(frontend.address) ? frontendKey({ ...frontend, address: undefined }) : undefined;
}
