/** What upstream checks of Endpoints (pkg/controller/endpoint/endpoints_controller_test.go, pkg/api/v1/endpoints/util_test.go). */
import { describe, expect, it } from "vitest";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/endpoints/plan.ts";
import { repack, truncate, type Subset } from "../../../../../src/controlplane/controllers/endpoints/repack.ts";
import type { Endpoints, Pod } from "../../../../../src/model/kubernetes.ts";
import { created, meta, pod, service } from "../../../../fixtures/service_objects.ts";

const run = (observed: Partial<Observed>) =>
  plan({ service: service("web"), pods: [], endpoints: undefined, ...observed });
const target = (name: string) => ({ kind: "Pod", namespace: "ns", name, uid: `uid-${name}` });

function existing(rest: object = {}, metadata: object = {}): Endpoints {
  const labels = { "endpoints.kubernetes.io/managed-by": "endpoint-controller" };
  return { apiVersion: "v1", kind: "Endpoints", metadata: meta("web", { labels, ...metadata }), ...rest };
}

function subsetsOf(observed: Partial<Observed>): readonly Subset[] {
  const [step] = run(observed);
  if (step?.kind !== "create" && step?.kind !== "update") throw new Error("nothing is written");
  return step.endpoints.subsets ?? [];
}

describe("Endpoints of a Service", () => {
  it("hold ready and not ready pods apart", () => {
    const pods = [pod("b", { ips: ["10.244.0.2"] }), pod("a", { ready: false }), pod("gone", { deleted: true })];
    expect(run({ pods, triggerTime: created })).toEqual([
      {
        kind: "create",
        endpoints: {
          metadata: {
            namespace: "ns",
            name: "web",
            labels: { "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
            annotations: { "endpoints.kubernetes.io/last-change-trigger-time": created },
          },
          subsets: [
            {
              addresses: [{ ip: "10.244.0.2", nodeName: "n1", targetRef: target("b") }],
              notReadyAddresses: [{ ip: "10.244.0.1", nodeName: "n1", targetRef: target("a") }],
              ports: [{ name: "http", port: 8080, protocol: "TCP" }],
            },
          ],
        },
      },
    ]);
  });

  it("have everything that is published, terminating pods too", () => {
    const pods = [pod("a", { ready: false }), pod("b", { ips: ["10.244.0.2"], deleted: true })];
    const [only] = subsetsOf({ service: service("web", { publishNotReadyAddresses: true }), pods });
    expect(only!.addresses!.map(({ ip }) => ip)).toEqual(["10.244.0.1", "10.244.0.2"]);
    expect(only).not.toHaveProperty("notReadyAddresses");
  });

  it("take the first family's address", () => {
    const dual = pod("a", { ips: ["10.244.0.1", "fd00::1"] });
    const six = service("web", { ipFamilies: ["IPv6", "IPv4"] });
    expect(subsetsOf({ service: six, pods: [dual] })[0]!.addresses![0]!.ip).toBe("fd00::1");
    expect(subsetsOf({ service: service("web", { ipFamilies: ["IPv6"] }), pods: [pod("a")] })).toEqual([]);
  });

  it("of a headless Service have its label, and addresses without ports", () => {
    const [step] = run({ service: service("web", { clusterIP: "None", ports: [] }), pods: [pod("a")] });
    expect(step).toMatchObject({
      endpoints: {
        metadata: { labels: { "service.kubernetes.io/headless": "" } },
        subsets: [{ addresses: [{ ip: "10.244.0.1" }] }],
      },
    });
    expect(step!.endpoints.subsets![0]).not.toHaveProperty("ports");
  });

  it("are left alone where they are right, with a new resourceVersion of a pod too", () => {
    const pods = [pod("a")];
    const right = existing({ subsets: subsetsOf({ pods }) });
    expect(run({ pods, endpoints: right })).toEqual([]);
    expect(run({ pods, endpoints: existing({ subsets: [] }) })).toHaveLength(1);
    expect(run({ pods, endpoints: existing({ subsets: right.subsets }, { labels: {} }) })).toHaveLength(1);
  });

  it("are not touched for a Service without a selector, and go with the Service", () => {
    expect(run({ service: service("web", { selector: {} }), endpoints: existing() })).toEqual([]);
    expect(run({ service: service("web", { type: "ExternalName" }) })).toEqual([]);
    expect(run({ service: undefined, endpoints: existing() })).toMatchObject([{ kind: "delete" }]);
    const lock = existing({}, { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } });
    expect(run({ service: undefined, endpoints: lock })).toEqual([]);
  });

  it("are cut at 1000 with the annotation, ready ones first, and lose it when fewer", () => {
    const many = (count: number, unready: number): Pod[] =>
      Array.from({ length: count }, (_, i) =>
        pod(`p${i}`, { ips: [`10.1.${Math.floor(i / 250)}.${i % 250}`], ready: i >= unready }),
      );
    const pods = many(1200, 300);
    const [step] = run({ pods });
    expect(step).toMatchObject({
      endpoints: { metadata: { annotations: { "endpoints.kubernetes.io/over-capacity": "truncated" } } },
    });
    const [subset] = step!.endpoints.subsets!;
    expect([subset!.addresses!.length, subset!.notReadyAddresses!.length]).toEqual([900, 100]);
    const cut = existing(
      { subsets: step!.endpoints.subsets },
      { annotations: { "endpoints.kubernetes.io/over-capacity": "truncated" } },
    );
    expect(run({ pods, endpoints: cut })).toEqual([]);
    const [back] = run({ pods: many(10, 0), endpoints: cut });
    expect(back!.endpoints.metadata.annotations).toEqual({});
  });
});

describe("repacking", () => {
  const address = (ip: string) => ({ ip });
  const port = (number: number, name = `p${number}`) => ({ name, port: number, protocol: "TCP" });
  const offer = (ip: string, number: number, isReady = true) => ({ address: address(ip), port: port(number), isReady });

  it.each([
    ["nothing", [], []],
    [
      "one address at two ports",
      [offer("1.1.1.1", 80), offer("1.1.1.1", 443)],
      [{ addresses: [address("1.1.1.1")], ports: [port(443), port(80)] }],
    ],
    [
      "two addresses at one port, in any order",
      [offer("2.2.2.2", 80), offer("1.1.1.1", 80)],
      [{ addresses: [address("1.1.1.1"), address("2.2.2.2")], ports: [port(80)] }],
    ],
    [
      "ports with other addresses",
      [offer("1.1.1.1", 80), offer("2.2.2.2", 80), offer("2.2.2.2", 443)],
      [
        { addresses: [address("2.2.2.2")], ports: [port(443)] },
        { addresses: [address("1.1.1.1"), address("2.2.2.2")], ports: [port(80)] },
      ],
    ],
    [
      "an address that is ready and not: not",
      [offer("1.1.1.1", 80), offer("1.1.1.1", 80, false)],
      [{ notReadyAddresses: [address("1.1.1.1")], ports: [port(80)] }],
    ],
    [
      "readiness that differs between ports",
      [offer("1.1.1.1", 80), offer("1.1.1.1", 443, false)],
      [
        { notReadyAddresses: [address("1.1.1.1")], ports: [port(443)] },
        { addresses: [address("1.1.1.1")], ports: [port(80)] },
      ],
    ],
  ])("%s", (_, offers, subsets) => {
    expect(repack(offers)).toEqual(subsets);
    expect(repack([...offers].reverse())).toEqual(subsets);
  });

  it("cuts each subset by its share", () => {
    const addresses = (count: number) => Array.from({ length: count }, (_, i) => ({ ip: String(i) }));
    const cut = truncate([
      { addresses: addresses(900) },
      { addresses: addresses(600), notReadyAddresses: addresses(5) },
    ]);
    expect(cut.map((one) => one.addresses!.length)).toEqual([600, 400]);
    expect(cut[1]).not.toHaveProperty("notReadyAddresses");
  });
});
