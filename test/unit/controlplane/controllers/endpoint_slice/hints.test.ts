/** Hints: staging/src/k8s.io/endpointslice/{topologycache,trafficdist} tests, through the plan. */
import { describe, expect, it } from "vitest";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/endpoint_slice/plan.ts";
import { isOverloaded, zoneShares } from "../../../../../src/controlplane/controllers/endpoint_slice/topology.ts";
import type { EndpointSlice, Pod } from "../../../../../src/model/kubernetes.ts";
import { node, pod, service, stored } from "../../../../fixtures/service_objects.ts";

const topology = { annotations: { "service.kubernetes.io/topology-mode": "Auto" } };
const nodes = [node("n0", "a"), node("n1", "b"), node("n2", "c")];
const byName = new Map(nodes.map((one) => [one.metadata.name, one]));

/** Pods on nodes n0, n1, n2 by turns, or as `on` says. */
function pods(count: number, on = (i: number): number => i % 3): Pod[] {
  return Array.from({ length: count }, (_, i) =>
    pod(`p${i}`, { ips: [`10.244.0.${i + 1}`], spec: { nodeName: `n${on(i)}` } }),
  );
}

function run(observed: Partial<Observed>) {
  return plan({
    service: service("web", {}, topology),
    pods: [],
    slices: [],
    node: (name) => byName.get(name),
    shares: zoneShares(nodes),
    ...observed,
  });
}

function hintsOf({ steps }: ReturnType<typeof run>): (readonly string[] | undefined)[] {
  return steps.flatMap((step) =>
    step.kind === "event" || step.kind === "delete"
      ? []
      : step.slice.endpoints.map(({ hints }) => hints?.forZones?.map(({ name }) => name)),
  );
}
const eventsOf = ({ steps }: ReturnType<typeof run>) => steps.filter(({ kind }) => kind === "event");
const madeBy = ({ steps }: ReturnType<typeof run>): EndpointSlice[] =>
  steps.flatMap((step, i) =>
    step.kind === "create" || step.kind === "update" ? [stored(step.slice, `web-${i}`)] : [],
  );

describe("topology-mode Auto", () => {
  it("keeps endpoints in their zones where they are spread by the CPU", () => {
    const planned = run({ pods: pods(6) });
    expect(hintsOf(planned)).toEqual([["a"], ["b"], ["c"], ["a"], ["b"], ["c"]]);
    expect(eventsOf(planned)).toEqual([
      {
        kind: "event",
        type: "Normal",
        reason: "TopologyAwareHintsEnabled",
        message: "Topology Aware Hints has been enabled, addressType: IPv4",
      },
    ]);
    expect(planned.zones.get("IPv4")).toEqual(new Map([["a", 2], ["b", 2], ["c", 2]])); // prettier-ignore
  });

  it("gives from zones that have too many to zones that have too few", () => {
    const planned = run({ pods: pods(6, (i) => (i < 4 ? 0 : 1)) });
    const given = hintsOf(planned).map((zones) => zones![0]!);
    expect(given.sort()).toEqual(["a", "a", "b", "b", "c", "c"]);
  });

  it("changes nothing the second time", () => {
    const first = run({ pods: pods(6, (i) => (i < 4 ? 0 : 1)) });
    const again = run({ pods: pods(6, (i) => (i < 4 ? 0 : 1)), slices: madeBy(first), hinted: new Set(["IPv4"]) });
    expect(again.steps).toEqual([]);
    expect(again.zones).toEqual(first.zones);
  });

  it.each([
    [
      "nodes do not tell",
      { pods: pods(6), shares: undefined },
      "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4",
    ],
    [
      "there are too few endpoints",
      { pods: pods(2) },
      "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4",
    ],
    [
      "zones would be overloaded",
      { pods: pods(4) },
      "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (4 endpoints, 3 zones), addressType: IPv4",
    ],
    [
      "an endpoint has no zone",
      { pods: pods(6), node: (name: string) => (name === "n1" ? node("n1", "") : byName.get(name)) },
      "One or more endpoints do not have a zone specified, addressType: IPv4",
    ],
  ])("gives no hints where %s", (_, observed, message) => {
    const planned = run(observed);
    expect(hintsOf(planned).every((zones) => zones === undefined)).toBe(true);
    expect(eventsOf(planned)).toEqual([
      { kind: "event", type: "Warning", reason: "TopologyAwareHintsDisabled", message },
    ]);
    expect(planned.zones.size).toBe(0);
  });

  it("takes hints away with the annotation", () => {
    const slices = madeBy(run({ pods: pods(6) }));
    const planned = run({ service: service("web"), pods: pods(6), slices, hinted: new Set(["IPv4"]) });
    expect(hintsOf(planned)).toEqual(Array.from({ length: 6 }, () => undefined));
    expect(eventsOf(planned)).toMatchObject([{ message: "Topology Aware Hints has been disabled, addressType: IPv4" }]);
  });

  it("knows shares and overload", () => {
    expect(zoneShares([node("x", "a", "1"), node("y", "b", "3")])).toEqual(new Map([["a", 0.25], ["b", 0.75]])); // prettier-ignore
    expect(zoneShares([node("x", "a"), node("y", "")])).toBeUndefined();
    expect(zoneShares([node("x", "a")])).toBeUndefined();
    const shares = new Map([["a", 0.5], ["b", 0.5]]); // prettier-ignore
    expect(isOverloaded(new Map([["a", 5], ["b", 5]]), shares)).toBe(false); // prettier-ignore
    expect(isOverloaded(new Map([["a", 8], ["b", 2]]), shares)).toBe(true); // prettier-ignore
    expect(isOverloaded(new Map([["a", 10]]), shares)).toBe(true);
    expect(isOverloaded(new Map([["a", 10]]), undefined)).toBe(true);
  });
});

describe("trafficDistribution", () => {
  const distributed = (trafficDistribution: string) => service("web", { trafficDistribution });
  it.each([
    ["PreferClose", { forZones: [{ name: "a" }] }],
    ["PreferSameZone", { forZones: [{ name: "a" }] }],
    ["PreferSameNode", { forNodes: [{ name: "n0" }], forZones: [{ name: "a" }] }],
  ])("%s hints at the endpoint's own place", (value, hints) => {
    const [ready, not] = pods(2, () => 0);
    const unready = { ...not!, status: { ...not!.status, conditions: [{ type: "Ready", status: "False" }] } } as Pod;
    const planned = run({ service: distributed(value), pods: [ready!, unready] });
    expect(planned.steps).toMatchObject([{ kind: "create", slice: { endpoints: [{ hints }, {}] } }]);
    const [slice] = madeBy(planned);
    expect(slice!.endpoints[1]).not.toHaveProperty("hints");
    expect(run({ service: distributed(value), pods: [ready!, unready], slices: [slice!] }).steps).toEqual([]);
    const changed = run({ service: service("web"), pods: [ready!, unready], slices: [slice!] });
    expect(hintsOf(changed)).toEqual([undefined, undefined]);
  });

  it("gives way to the annotation", () => {
    const both = service("web", { trafficDistribution: "PreferSameNode" }, topology);
    const planned = run({ service: both, pods: pods(6) });
    expect(hintsOf(planned).flat()).toEqual(["a", "b", "c", "a", "b", "c"]);
    expect(JSON.stringify(planned.steps)).not.toContain("forNodes");
  });
});
