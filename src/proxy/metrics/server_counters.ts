/**
 * What virtual servers and those behind them count, as Prometheus's text, by the names and labels of node_exporter's
 * collector ipvs, which has the connections and weights of real servers and, of the whole machine, the rest. It comes in
 * parts: of 10,000 Services it is tens of megabytes.
 */
import type { DestinationCount, ServerCount, ServerTraffic } from "../../model/server_count.ts";

interface Metric<T> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: (of: T) => bigint | number;
}

const traffic: readonly (readonly [name: string, field: keyof ServerTraffic, what: string])[] = [
  ["connections_total", "connections", "Connections"],
  ["incoming_packets_total", "packetsIn", "Packets from clients"],
  ["outgoing_packets_total", "packetsOut", "Packets to clients"],
  ["incoming_bytes_total", "bytesIn", "Bytes from clients"],
  ["outgoing_bytes_total", "bytesOut", "Bytes to clients"],
];

function counters(prefix: string, of: string): readonly Metric<Pick<ServerCount, "counters">>[] {
  return traffic.map(([name, field, what]) => ({
    name: `${prefix}_${name}`,
    help: `${what} of ${of}.`,
    type: "counter",
    value: (one) => one.counters[field],
  }));
}

const ofServer: readonly Metric<ServerCount>[] = counters("fairlead_ipvs", "a virtual server");
const ofDestination: readonly Metric<DestinationCount>[] = [
  ...counters("fairlead_ipvs_backend", "a real server"),
  {
    name: "fairlead_ipvs_backend_connections_active",
    help: "Connections of a real server that are established.",
    type: "gauge",
    value: (one) => one.activeConnections,
  },
  {
    name: "fairlead_ipvs_backend_connections_inactive",
    help: "Connections of a real server that are kept and not established.",
    type: "gauge",
    value: (one) => one.inactiveConnections,
  },
  {
    name: "fairlead_ipvs_backend_weight",
    help: "Weight of a real server; 0: it gets nothing new.",
    type: "gauge",
    value: (one) => one.weight,
  },
];

/** Lines of a part: a few ms. */
const partLength = 1000;

export function* renderServerCounts(counts: readonly ServerCount[]): Generator<string> {
  for (const metric of ofServer) yield* render(metric, serverLines(metric, counts));
  for (const metric of ofDestination) yield* render(metric, destinationLines(metric, counts));
}

function* render({ name, help, type }: Metric<never>, lines: Iterable<string>): Generator<string> {
  let part = [`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`];
  for (const line of lines) {
    part.push(line);
    if (part.length < partLength) continue;
    yield part.join("");
    part = [];
  }
  yield part.join("");
}

function* serverLines({ name, value }: Metric<ServerCount>, counts: readonly ServerCount[]): Generator<string> {
  for (const count of counts) yield `${name}{${labelsOf(count)}} ${value(count)}\n`;
}

function* destinationLines(
  { name, value }: Metric<DestinationCount>,
  counts: readonly ServerCount[],
): Generator<string> {
  for (const count of counts) {
    const labels = labelsOf(count);
    for (const one of count.destinations) {
      yield `${name}{${labels},remote_address="${one.address}",remote_port="${one.port}"} ${value(one)}\n`;
    }
  }
}

/** Nothing that must be escaped: addresses, and names of Kubernetes. */
function labelsOf({ service, protocol, address, port }: ServerCount): string {
  return `local_address="${address}",local_port="${port}",proto="${protocol}",service="${service}"`;
}
