/** What a relay does as a whole, as metrics; what it does of each frontend stands with the frontends' (frontend_counters.ts). */
import { Counter, Gauge, type Registry } from "prom-client";
import type { RelayCounts, RelayPort } from "../../kernel/ports.ts";

type Definition = readonly [name: string, help: string, field: keyof RelayCounts];

const gauges: readonly Definition[] = [
  ["fairlead_relay_connections", "TCP connections that are open in the relay.", "connections"],
  ["fairlead_relay_flows", "UDP clients that the relay keeps an endpoint for.", "flows"],
];
const counters: readonly Definition[] = [
  ["fairlead_relay_overflows_total", "Connections and flows that found the relay full.", "overflows"],
  [
    "fairlead_relay_strangers_total",
    "Connections and datagrams that came to a port of the relay's without having been led there.",
    "strangers",
  ],
  ["fairlead_relay_shortages_total", "Times that the relay lacked descriptors or memory.", "shortages"],
];

/** They are read when somebody asks. */
export function registerRelayMetrics(registry: Registry, relay: Pick<RelayPort, "counts">): void {
  const registers = [registry];
  for (const [name, help, field] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read(relay, field));
      },
    });
  }
  for (const [name, help, field] of counters) {
    new Counter({
      name,
      help,
      registers,
      async collect() {
        const count = await read(relay, field);
        this.reset();
        this.inc(count);
      },
    });
  }
}

/** A relay that is closed, as at the proxy's end, has nothing more to tell: that must not hide all other metrics. */
async function read(relay: Pick<RelayPort, "counts">, field: keyof RelayCounts): Promise<number> {
  return relay.counts().then(
    (counts) => Number(counts[field]),
    () => 0,
  );
}
