/** What the pod network tells of itself, as Prometheus reads it. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { NetworkAgent } from "./agent.ts";
import type { FastPath } from "./fast_path/fast_path.ts";
import type { NetworkMetrics } from "./metrics.ts";

/** 0.5 ms to 8 s: an ADD takes a few ms. */
const buckets = Array.from({ length: 15 }, (_, i) => 0.0005 * 2 ** i);

export interface NetworkGauges {
  readonly agent: Pick<NetworkAgent, "notReady" | "status">;
  /** Addresses that pods have, and attachments of pods. */
  readonly addressesInUse: () => number;
  readonly attachments: () => number;
  /** Calls of the plugin that run, and that wait. */
  readonly load: () => { readonly running: number; readonly waiting: number };
  /** undefined: it is off. */
  readonly fastPath: Pick<FastPath, "links" | "packets"> | undefined;
}

export class PrometheusMetrics implements NetworkMetrics {
  readonly registry = new Registry();
  readonly #durations = new Histogram({
    name: "fairlead_cni_operation_duration_seconds",
    help: "Time that the pod network took for a verb of the CNI plugin",
    labelNames: ["verb"],
    buckets,
    registers: [this.registry],
  });
  readonly #operations = new Counter({
    name: "fairlead_cni_operations_total",
    help: "Verbs of the CNI plugin that were served, by outcome: ok, or the code of the error",
    labelNames: ["verb", "outcome"],
    registers: [this.registry],
  });
  readonly #errors = new Counter({
    name: "fairlead_network_errors_total",
    help: "Failures of parts of the network agent; each is tried again",
    labelNames: ["part"],
    registers: [this.registry],
  });

  readonly #released = new Counter({
    name: "fairlead_network_abandoned_interfaces_total",
    help: "Interfaces of pods that were taken away because nobody would have: the runtime lost their sandboxes",
    registers: [this.registry],
  });

  served(verb: string, seconds: number, outcome: string): void {
    this.#durations.observe({ verb }, seconds);
    this.#operations.inc({ verb, outcome });
  }

  released(): void {
    this.#released.inc();
  }

  failed(part: string): void {
    this.#errors.inc({ part });
  }

  /** What is read when it is asked for. */
  follow({ agent, addressesInUse, attachments, load, fastPath }: NetworkGauges): void {
    this.#gauge("fairlead_network_ready", "Whether pods can be added", () => (agent.notReady === undefined ? 1 : 0));
    this.#gauge("fairlead_network_addresses_in_use", "Addresses that pods have", addressesInUse);
    this.#gauge("fairlead_network_attachments", "Interfaces that pods have", attachments);
    this.#gauge("fairlead_cni_operations_running", "Calls of the CNI plugin that run", () => load().running);
    this.#gauge("fairlead_cni_operations_waiting", "Calls of the CNI plugin that wait", () => load().waiting);
    this.#gauge(
      "fairlead_network_overlay_entries",
      "Addresses, routes, neighbours and forwarding entries of the overlay",
      () => agent.status?.entries ?? 0,
    );
    this.#gauge(
      "fairlead_network_unreachable_nodes",
      "Nodes whose pods cannot be reached from here",
      () => agent.status?.problems.size ?? 0,
    );
    this.#gauge(
      "fairlead_network_fast_path_links",
      "Links of pods and tunnels whose established connections go past the stack",
      () => fastPath?.links ?? 0,
    );
    new Counter({
      name: "fairlead_network_fast_path_packets_total",
      help: "Packets, or several in one as offloads have them, that went past the stack",
      registers: [this.registry],
      // The program counts, and goes on while no agent runs.
      async collect() {
        const packets = await fastPath?.packets().catch(() => undefined);
        this.reset();
        this.inc(packets ?? 0);
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
