/**
 * Connections of each frontend, as Prometheus's text. On a path of its own: at 30,000 frontends it is megabytes, which
 * nobody should pay who only wants to know how the proxy is.
 */
import { setImmediate } from "node:timers/promises";
import type { FrontendCount } from "../../model/service.ts";

const metrics = [
  ["fairlead_frontend_packets_total", "First packets of connections to a frontend.", "packets"],
  ["fairlead_frontend_bytes_total", "Bytes of first packets of connections to a frontend.", "bytes"],
] as const;
/** Frontends that are written before others have their turn: a few ms. */
const sliceLength = 2000;

export async function renderFrontendCounts(counts: readonly FrontendCount[]): Promise<string> {
  const parts: string[] = [];
  for (const [name, help, field] of metrics) {
    parts.push(`# HELP ${name} ${help}\n# TYPE ${name} counter\n`);
    for (let from = 0; from < counts.length; from += sliceLength) {
      for (const count of counts.slice(from, from + sliceLength)) {
        parts.push(`${name}{${labelsOf(count)}} ${count[field]}\n`);
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
