/**
 * Whether the proxy keeps up with what it is told, and whether its node is to get traffic (upstream:
 * pkg/proxy/healthcheck/proxy_health.go).
 */
import type { Node } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";

/** What of a Node says whether load balancers may use it. */
export interface NodeState {
  readonly metadata: Pick<Node["metadata"], "deletionTimestamp">;
  readonly spec: Pick<Node["spec"], "taints">;
}

export interface FamilyHealth {
  /** RFC 3339. */
  readonly lastUpdated: string;
  readonly healthy: boolean;
}

/** As /livez answers; /healthz says nodeEligible too. */
export interface HealthBody {
  readonly lastUpdated: string;
  readonly currentTime: string;
  readonly nodeEligible?: boolean;
  readonly healthy: boolean;
  readonly status?: Readonly<Partial<Record<IpFamily, FamilyHealth>>>;
}

export interface ProxyHealthOptions {
  /** ms since 1970. */
  readonly now: () => number;
  /** An update that waits longer than this many ms makes the proxy unhealthy: upstream's is twice syncPeriod. */
  readonly timeoutMs: number;
  /** This node as it is seen; "unknown" before it was, "gone" where there is none. */
  readonly node: () => NodeState | "unknown" | "gone";
}

/** The cluster autoscaler's (cluster-autoscaler/utils/taints), which the node gets before it is deleted. */
const toBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";
/** Go's zero time, which "never" is. */
const never = "0001-01-01T00:00:00Z";

export class ProxyHealth {
  readonly #options: ProxyHealthOptions;
  readonly #updated = new Map<IpFamily, number>();
  readonly #queued = new Map<IpFamily, number>();

  constructor(options: ProxyHealthOptions) {
    this.#options = options;
  }

  /** A change waits to be programmed. */
  queued(family: IpFamily): void {
    if (!this.#queued.has(family)) this.#queued.set(family, this.#options.now());
  }

  /** All that waited is programmed. */
  updated(family: IpFamily): void {
    this.#queued.delete(family);
    this.#updated.set(family, this.#options.now());
  }

  /** A proxy that starts is healthy: only a family that was programmed once can be late. */
  isHealthy(): boolean {
    return [...this.#updated.keys()].every((family) => !this.#isLate(family));
  }

  /** Neither marked for deletion nor gone. */
  isNodeEligible(): boolean {
    const node = this.#options.node();
    if (node === "unknown") return true;
    if (node === "gone" || node.metadata.deletionTimestamp !== undefined) return false;
    return !(node.spec.taints ?? []).some(({ key }) => key === toBeDeletedTaint);
  }

  /** Upstream says "just now" of a healthy proxy: tools look at the time rather than at the code. */
  livez(): HealthBody {
    const healthy = this.isHealthy();
    const status = [...this.#updated].map(([family, ms]): [IpFamily, FamilyHealth] => [
      family,
      { lastUpdated: iso(ms), healthy: !this.#isLate(family) },
    ]);
    const now = this.#options.now();
    return {
      lastUpdated: healthy ? iso(now) : this.#lastUpdated(),
      currentTime: iso(now),
      healthy,
      ...(status.length === 0 ? {} : { status: Object.fromEntries(status) }),
    };
  }

  /** @returns the body; the node's part of it decides the code, and no field but its own */
  healthz(): HealthBody {
    const { lastUpdated, currentTime, ...rest } = this.livez();
    const nodeEligible = this.isNodeEligible();
    return {
      lastUpdated: rest.healthy && !nodeEligible ? this.#lastUpdated() : lastUpdated,
      currentTime,
      nodeEligible,
      ...rest,
    };
  }

  #isLate(family: IpFamily): boolean {
    const since = this.#queued.get(family);
    return since !== undefined && this.#options.now() - since >= this.#options.timeoutMs;
  }

  #lastUpdated(): string {
    const last = Math.max(...this.#updated.values());
    return last === -Infinity ? never : iso(last);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
