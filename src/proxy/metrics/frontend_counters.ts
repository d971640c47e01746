/**
 * Connections of each frontend, as Prometheus's text. On a path of its own: at 30,000 frontends it is megabytes, which
 * nobody should pay who only wants to know how the proxy is.
 */
import { setImmediate } from "node:timers/promises";
import type { FrontendCount, RelayedCount } from "../../model/service.ts";

type Metric = readonly [name: string, help: string, value: (count: FrontendCount) => bigint | undefined];

const metrics: readonly Metric[] = [
  ["fairlead_frontend_packets_total", "First packets of connections to a frontend.", ({ packets }) => packets],
  ["fairlead_frontend_bytes_total", "Bytes of first packets of connections to a frontend.", ({ bytes }) => bytes],
];
/** Where a relay serves frontends. */
const relayed: readonly Metric[] = [
  ["connections", "Connections, or flows, that the relay took to a frontend.", "connections"],
  ["refused", "Connections to a frontend that no endpoint answered, or that found the relay full.", "refused"],
  ["retries", "Endpoints of a frontend that were tried behind the first one.", "retries"],
  ["received_bytes", "Bytes that clients of a frontend sent.", "bytesIn"],
  ["sent_bytes", "Bytes that clients of a frontend were sent.", "bytesOut"],
  ["dropped_datagrams", "Datagrams of a frontend that the kernel dropped before the relay read them.", "dropped"],
].map(([name, help, field]) => [
  `fairlead_frontend_relay_${name}_total`,
  help!,
  (count) => count.relayed?.[field as keyof RelayedCount],
]);
/** Frontends that are written before others have their turn: a few ms. */
const sliceLength = 2000;

export async function renderFrontendCounts(counts: readonly FrontendCount[]): Promise<string> {
  const parts: string[] = [];
  const isRelayed = counts.some((count) => count.relayed);
  for (const [name, help, valueOf] of isRelayed ? [...metrics, ...relayed] : metrics) {
    parts.push(`# HELP ${name} ${help}\n# TYPE ${name} counter\n`);
    for (let from = 0; from < counts.length; from += sliceLength) {
      for (const count of counts.slice(from, from + sliceLength)) {
        const value = valueOf(count);
        if (value !== undefined) parts.push(`${name}{${labelsOf(count)}} ${value}\n`);
      }
      await setImmediate();
    }
  }
  return parts.join("");
}

function labelsOf({ service, family, protocol, address, port }: FrontendCount): string {
  const labels = { address: address ?? "", ip_family: family, port: String(port), protocol, service };
  return Object.entries(labels)
    .map(([label, value]) => `${label}="${escaped(value)}"`)
    .join(",");
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
