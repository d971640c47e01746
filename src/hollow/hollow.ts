/**
 * Nodes without a kernel or a runtime, many in one process (upstream's kubemark): they register, renew their
 * leases and report their pods as running, so that a control plane can be measured at its API.
 */
import type { Client } from "../api/client.ts";
import type { Clock } from "../reconcile/clock.ts";
import { HollowNodes } from "./nodes.ts";
import type { HollowNode } from "./plan.ts";
import { HollowPods } from "./pods.ts";

export interface HollowOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodes: number;
  readonly podsPerNode: number;
  readonly namePrefix: string;
  readonly watch: "shared" | "node";
  readonly onError: (error: unknown, attempted: string) => void;
}

export interface Hollow {
  /** All nodes have registered. */
  readonly registered: Promise<void>;
  /** Pods that nodes of this process have. */
  readonly podCount: number;
  stop(): Promise<void>;
}

export function startHollow(options: HollowOptions): Hollow {
  const nodes = new Map<string, HollowNode>();
  for (let index = 0; index < options.nodes; index++) {
    const name = `${options.namePrefix}${String(index).padStart(4, "0")}`;
    nodes.set(name, { name, index, podCapacity: options.podsPerNode });
  }
  const kept = new HollowNodes({ ...options, nodes });
  const pods = new HollowPods({ ...options, nodes });
  kept.start();
  pods.start();
  return {
    registered: kept.registered,
    get podCount() {
      return pods.count;
    },
    async stop() {
      await Promise.all([kept.stop(), pods.stop()]);
    },
  };
}
