/** Taints, silence and zones; cases as upstream's node lifecycle tests have them. */
import { describe, expect, it } from "vitest";
import { EvictionQueues } from "../../../../../src/controlplane/controllers/node_lifecycle/eviction_queues.ts";
import { planHealth, type NodeHealth } from "../../../../../src/controlplane/controllers/node_lifecycle/health.ts";
import {
  evictingTaint,
  missingLabels,
  schedulingTaints,
  withEviction,
} from "../../../../../src/controlplane/controllers/node_lifecycle/taints.ts";
import {
  countsForZone,
  planDisruption,
  zoneOf,
  zoneState,
  type ZoneState,
} from "../../../../../src/controlplane/controllers/node_lifecycle/zones.ts";
import type { Lease, Node } from "../../../../../src/model/kubernetes.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const createdAt = "2026-01-01T00:00:00Z";
type Conditions = Record<string, string>;

function node(
  conditions: Conditions,
  over: { spec?: Node["spec"]; labels?: Conditions; heartbeat?: string } = {},
): Node {
  const { heartbeat = createdAt, labels = {} } = over;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: createdAt, labels },
    spec: over.spec ?? {},
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: "Kubelet",
        lastHeartbeatTime: heartbeat,
        lastTransitionTime: createdAt,
      })),
    },
  };
}
const noSchedule = (key: string) => ({ key: `node.kubernetes.io/${key}`, effect: "NoSchedule" });
const noExecute = (key: string) => ({ key: `node.kubernetes.io/${key}`, effect: "NoExecute" });
const other = { key: "example.com/mine", effect: "NoSchedule" };

describe("schedulingTaints", () => {
  const keys = (given: Node) => schedulingTaints(given, now)?.map(({ key, effect }) => ({ key, effect }));
  it.each<[string, Node, unknown]>([
    ["a healthy node", node({ Ready: "True" }), undefined],
    ["not ready", node({ Ready: "False" }), [noSchedule("not-ready")]],
    ["unheard of", node({ Ready: "Unknown" }), [noSchedule("unreachable")]],
    [
      "pressure",
      node({ Ready: "True", MemoryPressure: "True", DiskPressure: "True", PIDPressure: "True" }),
      [noSchedule("memory-pressure"), noSchedule("disk-pressure"), noSchedule("pid-pressure")],
    ],
    ["no network", node({ NetworkUnavailable: "True" }), [noSchedule("network-unavailable")]],
    ["cordoned", node({ Ready: "True" }, { spec: { unschedulable: true } }), [noSchedule("unschedulable")]],
    ["tainted already", node({ Ready: "False" }, { spec: { taints: [noSchedule("not-ready")] } }), undefined],
    ["well again", node({ Ready: "True" }, { spec: { taints: [noSchedule("not-ready"), other] } }), [other]],
    [
      "from one to the other",
      node({ Ready: "Unknown" }, { spec: { taints: [noSchedule("not-ready"), noExecute("not-ready"), other] } }),
      [noExecute("not-ready"), other, noSchedule("unreachable")],
    ],
    ["a user's taint", node({ Ready: "True" }, { spec: { taints: [other] } }), undefined],
  ])("%s", (_, given, expected) => expect(keys(given)).toEqual(expected));

  it("says when", () => {
    expect(schedulingTaints(node({ Ready: "False" }), now)?.[0]?.timeAdded).toBe("2026-01-01T01:00:00Z");
  });
});

describe("withEviction", () => {
  const unreachable = "node.kubernetes.io/unreachable";
  const tainted = node({}, { spec: { taints: [noExecute("not-ready"), noSchedule("not-ready"), other] } });
  it("puts one in the place of the other, and leaves the rest", () => {
    expect(withEviction(tainted, unreachable, now)).toEqual([
      noSchedule("not-ready"),
      other,
      { ...noExecute("unreachable"), timeAdded: "2026-01-01T01:00:00Z" },
    ]);
    expect(withEviction(tainted, undefined, now)).toEqual([noSchedule("not-ready"), other]);
    expect(withEviction(tainted, "node.kubernetes.io/not-ready", now)).toBeUndefined();
    expect(withEviction(node({}), undefined, now)).toBeUndefined();
  });
  it("follows the Ready condition", () => {
    expect([undefined, "True", "False", "Unknown"].map(evictingTaint)).toEqual([
      undefined,
      undefined,
      "node.kubernetes.io/not-ready",
      unreachable,
    ]);
  });
});

describe("missingLabels", () => {
  it.each([
    [{}, undefined],
    [{ "kubernetes.io/os": "linux" }, { "beta.kubernetes.io/os": "linux" }],
    [
      { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "beta.kubernetes.io/arch": "arm" },
      { "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64" },
    ],
    [{ "kubernetes.io/os": "linux", "beta.kubernetes.io/os": "linux" }, undefined],
    [{ "beta.kubernetes.io/os": "linux" }, undefined],
  ])("%j", (labels, expected) => expect(missingLabels(node({}, { labels: labels }))).toEqual(expected));
});

describe("planHealth", () => {
  const grace = { startupMs: 60_000, monitorMs: 50_000 };
  const health = (over: Partial<NodeHealth> = {}): NodeHealth => ({
    heartbeat: createdAt,
    renewTime: undefined,
    probedMs: now,
    ...over,
  });
  const lease = (renewTime: string) => ({ spec: { renewTime } }) as Lease;
  const all = { Ready: "True", MemoryPressure: "False", DiskPressure: "False", PIDPressure: "False" };
  const statuses = (plan: ReturnType<typeof planHealth>) =>
    plan.status?.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

  it("takes a node that is seen for the first time for alive", () => {
    const plan = planHealth(node(all), undefined, undefined, grace, now);
    expect(plan).toEqual({ health: health(), observed: "True", current: "True" });
  });

  it("waits for the grace period, then says that the kubelet is silent", () => {
    expect(planHealth(node(all), undefined, health(), grace, now + 50_000).status).toBeUndefined();
    const plan = planHealth(node({ ...all, NetworkUnavailable: "False" }), undefined, health(), grace, now + 50_001);
    expect(plan).toMatchObject({ observed: "True", current: "Unknown", health: health() });
    expect(statuses(plan)).toEqual([
      "Ready=Unknown NodeStatusUnknown",
      "MemoryPressure=Unknown NodeStatusUnknown",
      "DiskPressure=Unknown NodeStatusUnknown",
      "PIDPressure=Unknown NodeStatusUnknown",
      "NetworkUnavailable=False Kubelet",
    ]);
    const [ready] = plan.status!.conditions!;
    expect(ready).toMatchObject({
      message: "Kubelet stopped posting node status.",
      lastHeartbeatTime: createdAt,
      lastTransitionTime: "2026-01-01T01:00:50Z",
    });
  });

  it("says it once", () => {
    const plan = planHealth(node({ Ready: "Unknown" }), undefined, health(), grace, now + 60_000);
    expect(plan).toMatchObject({ observed: "Unknown", current: "Unknown" });
    expect(plan.status).toBeUndefined();
  });

  it("hears a heartbeat by its change, whatever time it says", () => {
    const beat = node(all, { heartbeat: "2020-01-01T00:00:00Z" });
    const plan = planHealth(beat, undefined, health(), grace, now + 60_000);
    expect(plan.health).toEqual(health({ heartbeat: "2020-01-01T00:00:00Z", probedMs: now + 60_000 }));
    expect(plan.status).toBeUndefined();
  });

  it("hears a Lease that is renewed, even where the status is old", () => {
    const renewed = lease("2026-01-01T00:59:00.000000Z");
    const plan = planHealth(node(all), renewed, health(), grace, now + 60_000);
    expect(plan.health).toEqual(health({ renewTime: "2026-01-01T00:59:00.000000Z", probedMs: now + 60_000 }));
    const later = planHealth(node(all), renewed, plan.health, grace, now + 120_000);
    expect(later.current).toBe("Unknown");
  });

  it("gives a node that never spoke the time to start", () => {
    const created = Date.parse(createdAt);
    expect(planHealth(node({}), undefined, undefined, grace, created + 60_000)).toMatchObject({ current: undefined });
    const plan = planHealth(node({}), undefined, undefined, grace, created + 60_001);
    expect(plan).toMatchObject({ observed: "Unknown", current: "Unknown" });
    expect(statuses(plan)).toEqual(
      ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"].map(
        (type) => `${type}=Unknown NodeStatusNeverUpdated`,
      ),
    );
    expect(plan.status?.conditions?.[0]?.message).toBe("Kubelet never posted node status.");
  });
});

describe("zones", () => {
  const zone = (ready: number, silent: number): (string | undefined)[] => [
    ...Array<string>(ready).fill("True"),
    ...Array<string>(silent).fill("Unknown"),
  ];
  it("are named by region and zone", () => {
    const labels = { "topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z" };
    expect(zoneOf(node({}, { labels }))).toBe("r:\0:z");
    expect(zoneOf(node({}))).toBe("");
    expect(countsForZone(node({}))).toBe(true);
    expect(countsForZone(node({}, { labels: { "node.kubernetes.io/exclude-disruption": "" } }))).toBe(false);
  });
  it.each<[number, number, ZoneState]>([
    [1, 0, "Normal"],
    [0, 1, "FullDisruption"],
    [0, 3, "FullDisruption"],
    [1, 2, "Normal"],
    [2, 3, "PartialDisruption"],
    [3, 3, "Normal"],
    [9, 11, "PartialDisruption"],
  ])("with %i ready and %i silent", (ready, silent, expected) => expect(zoneState(zone(ready, silent))).toBe(expected));

  const plan = (zones: Record<string, (string | undefined)[]>, before: Record<string, ZoneState>) =>
    planDisruption(new Map(Object.entries(zones)), new Map(Object.entries(before)));
  it("empty nodes slower where half of a zone is silent", () => {
    const states = { a: "Normal", b: "Normal", c: "Normal" } as const;
    const { rates } = plan({ a: zone(2, 3), b: zone(20, 40), c: zone(1, 0) }, states);
    expect(rates).toEqual(
      new Map([
        ["a", 0],
        ["b", 0.01],
      ]),
    );
    const back = plan({ a: zone(5, 0), c: zone(1, 0) }, { a: "PartialDisruption", c: "Normal" });
    expect(back.rates).toEqual(new Map([["a", 0.1]]));
  });
  it("empty a silent zone at the full rate while others are well", () => {
    const { rates, stopsAll } = plan({ a: zone(0, 3), b: zone(1, 0) }, { a: "Normal", b: "Normal" });
    expect([rates, stopsAll]).toEqual([new Map([["a", 0.1]]), false]);
  });
  it("empty nothing where all are silent, and forgive all once one is back", () => {
    const down = plan({ a: zone(0, 3), b: zone(0, 1) }, { a: "Normal", b: "FullDisruption" });
    expect(down).toMatchObject({
      stopsAll: true,
      forgives: false,
      rates: new Map([
        ["a", 0],
        ["b", 0],
      ]),
    });
    const still = plan({ a: zone(0, 3), b: zone(0, 1) }, { a: "FullDisruption", b: "FullDisruption" });
    expect(still).toMatchObject({ stopsAll: false, forgives: false, rates: new Map() });
    const up = plan({ a: zone(0, 3), b: zone(1, 0) }, { a: "FullDisruption", b: "FullDisruption" });
    expect(up).toMatchObject({
      stopsAll: false,
      forgives: true,
      rates: new Map([
        ["a", 0.1],
        ["b", 0.1],
      ]),
    });
  });
});

describe("EvictionQueues", () => {
  it("let one node go every ten seconds, from each zone", () => {
    const queues = new EvictionQueues(0.1);
    for (const name of ["a", "b", "c"]) queues.add("z", name, now);
    queues.add("y", "d", now);
    expect(queues.take(now)).toEqual(["a", "d"]);
    expect(queues.take(now + 9_900)).toEqual([]);
    expect(queues.take(now + 10_000)).toEqual(["b"]);
    queues.remove("c");
    expect(queues.isEmpty).toBe(true);
    // What was not taken is not saved up.
    for (const name of ["e", "f"]) queues.add("z", name, now);
    expect(queues.take(now + 1_000_000)).toEqual(["e"]);
  });
  it("let nothing go at rate 0", () => {
    const queues = new EvictionQueues(0.1);
    queues.setRate("z", 0, now);
    queues.add("z", "a", now);
    expect(queues.take(now + 100_000)).toEqual([]);
    queues.setRate("z", 0.01, now + 100_000);
    expect(queues.take(now + 100_000)).toEqual(["a"]);
  });
});
