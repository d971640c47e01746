/** What upstream's reconciler tests check (staging/src/k8s.io/endpointslice/reconciler_test.go, utils_test.go). */
import { describe, expect, it } from "vitest";
import { plan, type Observed, type Step } from "../../../../../src/controlplane/controllers/endpoint_slice/plan.ts";
import type { EndpointSlice, Pod } from "../../../../../src/model/kubernetes.ts";
import { created, node, pod, service, stored } from "../../../../fixtures/service_objects.ts";

const nodes = new Map([node("n1"), node("n2", "z2")].map((one) => [one.metadata.name, one]));
const steps = (observed: Partial<Observed>): readonly Step[] => run(observed).steps;
function run(observed: Partial<Observed>) {
  return plan({ service: service("web"), pods: [], slices: [], node: (name) => nodes.get(name), ...observed });
}

function pods(count: number, facts: (i: number) => Parameters<typeof pod>[1] = () => ({})): Pod[] {
  return Array.from({ length: count }, (_, i) =>
    pod(`p${i}`, { ips: [`10.244.${Math.floor(i / 250)}.${(i % 250) + 1}`], ...facts(i) }),
  );
}

let names = 0;
/** The slices after the steps. */
function after(slices: readonly EndpointSlice[], done: readonly Step[]): EndpointSlice[] {
  const result = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  for (const step of done) {
    if (step.kind === "event") continue;
    if (step.kind === "delete") result.delete(step.slice.metadata.name);
    else if (step.kind === "update") result.set(step.slice.metadata.name, step.slice);
    else {
      const name = `web-${++names}`;
      result.set(name, stored(step.slice, name));
    }
  }
  return [...result.values()];
}
const sizes = (slices: readonly EndpointSlice[]): number[] => slices.map(({ endpoints }) => endpoints.length);
const kinds = (done: readonly Step[]): string[] => done.map(({ kind }) => kind).sort();

describe("a slice", () => {
  it("is the Service's, with its labels, its ports and each pod as an endpoint", () => {
    const labelled = service("web", {}, { labels: { team: "a", "kubernetes.io/service-name": "other" } });
    const [step, ...others] = steps({ service: labelled, pods: [pod("p")], triggerTime: created });
    expect(others).toEqual([]);
    expect(step).toEqual({
      kind: "create",
      slice: {
        metadata: {
          generateName: "web-",
          namespace: "ns",
          labels: {
            team: "a",
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
          annotations: { "endpoints.kubernetes.io/last-change-trigger-time": created },
          ownerReferences: [
            {
              apiVersion: "v1",
              kind: "Service",
              name: "web",
              uid: "uid-web",
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
        endpoints: [
          {
            addresses: ["10.244.0.1"],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: "n1",
            targetRef: { kind: "Pod", namespace: "ns", name: "p", uid: "uid-p" },
            zone: "z1",
          },
        ],
      },
    });
  });

  it.each([
    ["ready", {}, {}, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: false }, {}, { ready: false, serving: false, terminating: false }],
    ["terminating", { deleted: true }, {}, { ready: false, serving: true, terminating: true }],
    [
      "terminating and not ready",
      { deleted: true, ready: false },
      {},
      { ready: false, serving: false, terminating: true },
    ],
    [
      "published all the same",
      { ready: false },
      { publishNotReadyAddresses: true },
      { ready: true, serving: false, terminating: false },
    ],
    [
      "terminating, published",
      { deleted: true },
      { publishNotReadyAddresses: true },
      { ready: true, serving: true, terminating: true },
    ],
  ])("says of a pod that is %s what upstream says", (_, facts, spec, conditions) => {
    const [step] = steps({ service: service("web", spec), pods: [pod("p", facts)] });
    expect(step).toMatchObject({ slice: { endpoints: [{ conditions }] } });
  });

  it.each([
    ["completed", { phase: "Succeeded" }],
    ["failed", { phase: "Failed" }],
    ["without an address", { ips: [] }],
  ])("leaves out a pod that is %s", (_, facts) => {
    expect(steps({ pods: [pod("p", facts)] })).toMatchObject([{ kind: "create", slice: { endpoints: [], ports: [] } }]);
  });

  it("leaves out a pod whose node is not there, and asks to try again", () => {
    const lost = pod("p", { spec: { nodeName: "gone" } });
    expect(run({ pods: [lost] }).missing).toEqual([lost]);
    const published = run({ service: service("web", { publishNotReadyAddresses: true }), pods: [lost] });
    expect(published.missing).toEqual([]);
    expect(published.steps).toMatchObject([{ slice: { endpoints: [{ nodeName: "gone" }] } }]);
  });

  it("is made per family, and goes with it", () => {
    const dual = pod("p", { ips: ["10.244.0.1", "fd00::1"] });
    const both = after([], steps({ service: service("web", { ipFamilies: ["IPv4", "IPv6"] }), pods: [dual] }));
    expect(both.map(({ addressType, endpoints }) => [addressType, endpoints[0]!.addresses])).toEqual([
      ["IPv4", ["10.244.0.1"]],
      ["IPv6", ["fd00::1"]],
    ]);
    expect(steps({ pods: [dual], slices: both })).toMatchObject([{ kind: "delete", slice: { addressType: "IPv6" } }]);
  });

  it("names hosts of a headless Service's subdomain, and needs no ports there", () => {
    const headless = service("web", { clusterIP: "None", ports: [] });
    const named = pod("p", { spec: { hostname: "db-0", subdomain: "web" } });
    const other = pod("q", { ips: ["10.244.0.2"], spec: { hostname: "db-1", subdomain: "other" } });
    const [step] = steps({ service: headless, pods: [named, other] });
    expect(step).toMatchObject({
      slice: {
        metadata: { labels: { "service.kubernetes.io/headless": "" } },
        ports: [],
        endpoints: [{ hostname: "db-0" }, { addresses: ["10.244.0.2"] }],
      },
    });
    expect((step as Step & { slice: EndpointSlice }).slice.endpoints[1]).not.toHaveProperty("hostname");
  });

  it("holds pods whose named port is the same number, sidecars' ports too", () => {
    const byName = service("web", {
      ports: [{ name: "http", port: 80, targetPort: "web", protocol: "TCP" }],
    });
    const serving = (name: string, ip: string, spec: object) => pod(name, { ips: [ip], spec });
    const port = (containerPort: number, protocol = "TCP") => ({ ports: [{ name: "web", containerPort, protocol }] });
    const made = steps({
      service: byName,
      pods: [
        serving("a", "10.0.0.1", { containers: [port(8080)] }),
        serving("b", "10.0.0.2", { containers: [port(9090)] }),
        serving("c", "10.0.0.3", { containers: [{}], initContainers: [{ restartPolicy: "Always", ...port(9090) }] }),
        serving("d", "10.0.0.4", { containers: [port(8080, "UDP")] }),
      ],
    });
    const shown = after([], made).map(({ ports, endpoints }) => [
      ports!.map((one) => one.port),
      endpoints.map(({ addresses }) => addresses[0]),
    ]);
    expect(shown).toEqual([
      [[8080], ["10.0.0.1"]],
      [[9090], ["10.0.0.2", "10.0.0.3"]],
      [[], ["10.0.0.4"]],
    ]);
  });
});

describe("packing", () => {
  const filled = (count: number): EndpointSlice[] => after([], steps({ pods: pods(count) }));

  it("fills slices of 100", () => {
    expect(sizes(filled(250))).toEqual([100, 100, 50]);
  });

  it("changes nothing when nothing changed", () => {
    for (const count of [0, 1, 250]) {
      const made = filled(count);
      expect(steps({ pods: pods(count), slices: made })).toEqual([]);
    }
  });

  it("rewrites the one slice whose endpoint changed", () => {
    const slices = filled(250);
    const done = steps({ slices, pods: pods(250, (i) => ({ ready: i !== 120 })) });
    expect(done).toMatchObject([{ kind: "update", slice: { metadata: { name: slices[1]!.metadata.name } } }]);
    expect(sizes(after(slices, done))).toEqual([100, 100, 50]);
  });

  it("fills what is written anyway, then the fullest that has room for all, then a new one", () => {
    const slices = filled(250);
    // One goes from the first, so that the two new ones begin there.
    const replaced = steps({ slices, pods: pods(252).filter((_, i) => i !== 3) });
    expect(kinds(replaced)).toEqual(["update", "update"]);
    expect(sizes(after(slices, replaced))).toEqual([100, 100, 51]);
    const more = steps({ slices, pods: pods(270) });
    expect(kinds(more)).toEqual(["update"]);
    expect(sizes(after(slices, more))).toEqual([100, 100, 70]);
    // 60 more do not fit into 50 free places of one slice.
    const most = steps({ slices, pods: pods(310) });
    expect(kinds(most)).toEqual(["create"]);
    expect(sizes(after(slices, most))).toEqual([100, 100, 50, 60]);
  });

  it("fills the fullest of those that are written anyway", () => {
    const slices = filled(250).reverse();
    // One goes from a full slice, one changes in the slice of 50, and one comes.
    const now = pods(251, (i) => ({ ready: i !== 240 })).filter((_, i) => i !== 3);
    const done = steps({ slices, pods: now });
    expect(kinds(done)).toEqual(["update", "update"]);
    expect(sizes(after(slices, done)).sort()).toEqual([100, 100, 50]);
  });

  it("does not move endpoints together again when slices empty", () => {
    const slices = filled(250);
    const done = steps({ slices, pods: pods(250).filter((_, i) => i % 2 === 0) });
    expect(sizes(after(slices, done))).toEqual([50, 50, 25]);
    const none = steps({ slices, pods: pods(250).slice(0, 200) });
    expect(none).toMatchObject([{ kind: "delete", slice: { metadata: { name: slices[2]!.metadata.name } } }]);
  });

  it("writes a new one in the place of one that goes when ports change", () => {
    const slices = filled(150);
    const moved = service("web", { ports: [{ name: "http", port: 80, targetPort: 9090, protocol: "TCP" }] });
    const done = steps({ service: moved, slices, pods: pods(150) });
    expect(kinds(done)).toEqual(["update", "update"]);
    expect(after(slices, done).map(({ ports }) => ports![0]!.port)).toEqual([9090, 9090]);
    expect(sizes(after(slices, done)).sort()).toEqual([100, 50]);
  });

  it("keeps an empty slice where there is no endpoint", () => {
    const slices = filled(1);
    const emptied = steps({ slices, pods: [] });
    expect(kinds(emptied)).toEqual(["update"]);
    const placeholder = after(slices, emptied);
    expect(sizes(placeholder)).toEqual([0]);
    expect(steps({ slices: placeholder })).toEqual([]);
    expect(kinds(steps({ slices: placeholder, pods: pods(1) }))).toEqual(["update"]);
  });

  it("follows the Service's labels", () => {
    const slices = filled(1);
    const labelled = service("web", {}, { labels: { team: "b" } });
    expect(steps({ service: labelled, slices, pods: pods(1) })).toMatchObject([
      { kind: "update", slice: { metadata: { labels: { team: "b", "kubernetes.io/service-name": "web" } } } },
    ]);
  });

  it("takes no slice of another Service of the same name, and makes none for one that goes", () => {
    const slices = filled(1);
    const again = service("web", {}, { uid: "uid-2" });
    expect(kinds(steps({ service: again, slices, pods: pods(1) }))).toEqual(["create", "delete"]);
    const leaving = service("web", {}, { deletionTimestamp: created });
    expect(steps({ service: leaving, pods: pods(1) })).toEqual([]);
  });

  it("takes the slices away when the selector goes", () => {
    const slices = filled(150);
    expect(kinds(steps({ service: service("web", { selector: {} }), slices }))).toEqual(["delete", "delete"]);
    expect(kinds(steps({ service: service("web", { type: "ExternalName" }), slices }))).toEqual(["delete", "delete"]);
  });

  it("leaves the zone of an endpoint that is not in question alone but follows a new one", () => {
    const slices = filled(1);
    expect(steps({ slices, pods: pods(1), node: () => node("n1", "z9") })).toMatchObject([
      { kind: "update", slice: { endpoints: [{ zone: "z9" }] } },
    ]);
  });
});
