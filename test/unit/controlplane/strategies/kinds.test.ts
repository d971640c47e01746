/** The smaller kinds: each as it should be, and what is wrong with each. */
import { describe, expect, it } from "vitest";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { created, object, refusals, updateRefusals, type Fields } from "./life.ts";

import {
  service,
  claim,
  volume,
  slice,
  policy,
  hpa,
  quota,
  limits,
  binding,
  csr,
  storageClass,
  priority,
} from "./samples.ts";
describe("defaults are upstream's", () => {
  it.each<[ApiObject, Fields]>([
    [
      service(),
      {
        spec: {
          type: "ClusterIP",
          sessionAffinity: "None",
          internalTrafficPolicy: "Cluster",
          ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
        },
        status: { loadBalancer: {} },
      },
    ],
    [
      service({ type: "LoadBalancer", sessionAffinity: "ClientIP" }),
      {
        spec: {
          type: "LoadBalancer",
          allocateLoadBalancerNodePorts: true,
          externalTrafficPolicy: "Cluster",
          internalTrafficPolicy: "Cluster",
          sessionAffinity: "ClientIP",
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
          ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
        },
      },
    ],
    [service({ clusterIP: "None" }), { spec: expect.objectContaining({ clusterIP: "None", clusterIPs: ["None"] }) }],
    [
      object("v1", "Namespace"),
      {
        metadata: expect.objectContaining({ labels: { "kubernetes.io/metadata.name": "x" } }),
        spec: { finalizers: ["kubernetes"] },
        status: { phase: "Active" },
      },
    ],
    [object("v1", "Secret", { stringData: { a: "b" } }), { type: "Opaque", data: { a: "Yg==" } }],
    [claim(), { spec: expect.objectContaining({ volumeMode: "Filesystem" }), status: { phase: "Pending" } }],
    [
      volume(),
      {
        spec: expect.objectContaining({
          persistentVolumeReclaimPolicy: "Retain",
          volumeMode: "Filesystem",
          hostPath: { path: "/x", type: "" },
        }),
        status: { phase: "Pending" },
      },
    ],
    [slice(), { ports: [{ name: "", port: 80, protocol: "TCP" }] }],
    [
      policy({ egress: [{ ports: [{ port: 53 }] }] }),
      {
        spec: {
          podSelector: {},
          policyTypes: ["Ingress", "Egress"],
          egress: [{ ports: [{ port: 53, protocol: "TCP" }] }],
        },
      },
    ],
    [
      hpa(),
      {
        spec: expect.objectContaining({
          minReplicas: 1,
          metrics: [
            { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
          ],
        }),
      },
    ],
    [
      limits({ max: { cpu: "2" }, min: { memory: "1Mi" } }),
      {
        spec: {
          limits: [
            {
              type: "Container",
              max: { cpu: "2" },
              min: { memory: "1Mi" },
              default: { cpu: "2" },
              defaultRequest: { cpu: "2", memory: "1Mi" },
            },
          ],
        },
      },
    ],
    [
      binding("RoleBinding", { roleRef: { kind: "Role", name: "r" }, subjects: [{ kind: "User", name: "u" }] }),
      {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "u" }],
      },
    ],
    [storageClass(), { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }],
    [priority("p", 5), { value: 5, preemptionPolicy: "PreemptLowerPriority" }],
    [
      object("networking.k8s.io/v1", "IngressClass", {
        spec: { controller: "a.b/c", parameters: { kind: "K", name: "n" } },
      }),
      { spec: { controller: "a.b/c", parameters: { kind: "K", name: "n", scope: "Cluster" } } },
    ],
  ])("for %#", (sent, expected) => {
    expect(created(sent)).toMatchObject(expected);
    expect(refusals(sent)).toEqual([]);
  });
});

describe("an update is refused", () => {
  const held = object("v1", "ConfigMap", { data: { a: "1" }, immutable: true });
  const headed = service({ clusterIP: "10.0.0.1" });
  it.each<[string, ApiObject, Fields, string[]]>([
    ["of what is immutable", held, { data: { a: "2" } }, ["Forbidden data"]],
    ["of the mark", held, { immutable: false }, ["Forbidden immutable"]],
    ["of a Secret's type", object("v1", "Secret"), { type: "other" }, ["Invalid type"]],
    [
      "of a Service's address",
      headed,
      { spec: { ports: [{ port: 80 }], clusterIP: "10.0.0.2", clusterIPs: ["10.0.0.1"] } },
      ["Invalid spec.clusterIPs[0]"],
    ],
    ["of a slice's family", slice(), { addressType: "IPv6", endpoints: [] }, ["Invalid addressType"]],
    [
      "of a binding's role",
      binding("RoleBinding", { roleRef: { kind: "Role", name: "r" } }),
      { roleRef: { kind: "Role", name: "s" } },
      ["Invalid roleRef"],
    ],
    ["of a priority", priority("p", 1), { value: 2 }, ["Invalid value"]],
    ["of a class's provisioner", storageClass(), { provisioner: "other" }, ["Forbidden provisioner"]],
    [
      "of a volume's place",
      volume(),
      { spec: { ...(volume()["spec"] as Fields), hostPath: { path: "/y" } } },
      ["Forbidden spec.persistentvolumesource"],
    ],
    [
      "of a claim's class",
      claim({ storageClassName: "a" }),
      { spec: { ...(claim()["spec"] as Fields), storageClassName: "b" } },
      ["Forbidden spec"],
    ],
    [
      "of an address's owner",
      object(
        "networking.k8s.io/v1",
        "IPAddress",
        { spec: { parentRef: { resource: "services", name: "s" } } },
        { name: "10.0.0.1" },
      ),
      { spec: { parentRef: { resource: "services", name: "t" } } },
      ["Invalid spec.parentRef"],
    ],
    [
      "of a node's networks",
      object("v1", "Node", { spec: { podCIDR: "10.0.0.0/24" } }),
      { spec: { podCIDR: "10.0.1.0/24" } },
      ["Forbidden spec.podCIDRs"],
    ],
    [
      "of a class's controller",
      object("networking.k8s.io/v1", "IngressClass", { spec: { controller: "a.b/c" } }),
      { spec: { controller: "a.b/d" } },
      ["Invalid spec.controller"],
    ],
    ["of a quota's scopes", quota({ scopes: ["Terminating"] }), { spec: {} }, ["Invalid spec.scopes"]],
  ])("%s", (_what, old, change, expected) => {
    expect(updateRefusals(old, (next) => Object.assign(next, structuredClone(change)))).toEqual(expected);
  });

  it("not of what a Service leaves out: its address and node ports stay", () => {
    const old = service({ type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30080 }] });
    const before = created(old);
    const after = structuredClone(before);
    after["spec"] = { type: "NodePort", ports: [{ port: 80 }] };
    const { strategy } = builtIn.find(({ plural }) => plural === "services")!;
    strategy.defaults!(after);
    strategy.prepareUpdate!(after, before, "");
    expect(after["spec"]).toMatchObject({
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
      ports: [{ nodePort: 30080 }],
    });
  });

  it("not of a Service's type, whose node ports go", () => {
    const old = service({ type: "NodePort", clusterIP: "10.0.0.1", ports: [{ port: 80, nodePort: 30080 }] });
    expect(updateRefusals(old, (next) => void ((next["spec"] as Fields)["type"] = "ClusterIP"))).toEqual([]);
  });

  it("of a request for a certificate: it stays what was asked for", () => {
    const before = created(csr());
    const after = structuredClone(before);
    after["spec"] = {};
    const { strategy } = builtIn.find(({ plural }) => plural === "certificatesigningrequests")!;
    strategy.prepareUpdate!(after, before, "");
    expect(after["spec"]).toEqual(before["spec"]);
  });
});

describe("two versions of one object", () => {
  it("of an autoscaler keep what the older has no field for", () => {
    const [, older] = builtIn.find(({ plural }) => plural === "horizontalpodautoscalers")!.versions;
    const metrics = [
      { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
      { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
    ];
    const stored = created(hpa({ metrics, behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } }));
    const shown = older!.convert!.fromStored({ ...stored, status: { desiredReplicas: 2 } });
    expect(shown["spec"]).toMatchObject({ maxReplicas: 3, targetCPUUtilizationPercentage: 60 });
    expect(shown["spec"]).not.toHaveProperty("metrics");
    expect(older!.convert!.toStored(shown)["spec"]).toEqual(stored["spec"]);
    expect(older!.convert!.toStored(shown).metadata).toEqual(stored.metadata);
  });

  it("of an event are the same under other names", () => {
    const [version] = builtIn.find(({ group, plural }) => group === "events.k8s.io" && plural === "events")!.versions;
    const stored = object("v1", "Event", {
      message: "m",
      involvedObject: { kind: "Pod" },
      count: 2,
      reportingComponent: "k",
    });
    const shown = version.convert!.fromStored(stored);
    expect(shown).toMatchObject({
      note: "m",
      regarding: { kind: "Pod" },
      deprecatedCount: 2,
      reportingController: "k",
    });
    expect(version.convert!.toStored(shown)).toEqual(stored);
  });
});
