import { describe, expect, it } from "vitest";
import { planNodeDns } from "../../../../../src/controlplane/controllers/node_dns/plan.ts";
import type { EndpointSlice, Node } from "../../../../../src/model/kubernetes.ts";

const node = ({ port = "10053", address = "192.0.2.7", ready = "True" } = {}): Node =>
  ({
    metadata: { name: "a", uid: "u", labels: { "fairlead.io/dns-port": port } },
    status: { addresses: [{ type: "InternalIP", address }], conditions: [{ type: "Ready", status: ready }] },
  }) as unknown as Node;
const made = (of: Node): EndpointSlice => {
  const step = planNodeDns("a", of, undefined);
  if (step?.type !== "create") throw new Error("it is not made");
  return step.object as EndpointSlice;
};

describe("the endpoints of cluster DNS", () => {
  it("are a slice for each node that says its port, owned by the node", () => {
    const slice = made(node());
    expect(slice.metadata).toMatchObject({
      namespace: "kube-system",
      name: "kube-dns-a",
      labels: { "kubernetes.io/service-name": "kube-dns" },
      ownerReferences: [{ kind: "Node", name: "a", uid: "u" }],
    });
    expect(slice.endpoints).toEqual([{ addresses: ["192.0.2.7"], nodeName: "a", conditions: { ready: true } }]);
    expect(slice.ports).toEqual([
      { name: "dns", protocol: "UDP", port: 10053 },
      { name: "dns-tcp", protocol: "TCP", port: 10053 },
    ]);
  });

  it("stay as they are while nothing of them changes", () => {
    expect(planNodeDns("a", node(), made(node()))).toBeUndefined();
  });

  it.each([
    { what: "address", changed: node({ address: "192.0.2.8" }) },
    { what: "port", changed: node({ port: "5353" }) },
    { what: "readiness", changed: node({ ready: "Unknown" }) },
  ])("are updated when the node's $what changes", ({ changed }) => {
    const step = planNodeDns("a", changed, made(node()));
    expect(step).toEqual({ type: "update", object: made(changed) });
  });

  it("are made anew for another family, and go with the node or its label", () => {
    expect(planNodeDns("a", node({ address: "2001:db8::7" }), made(node()))?.type).toBe("delete");
    expect(planNodeDns("a", undefined, made(node()))).toEqual({ type: "delete", name: "kube-dns-a" });
    for (const port of ["", "x", "0", "65536"])
      expect(planNodeDns("a", node({ port }), made(node()))?.type).toBe("delete");
    expect(planNodeDns("a", undefined, undefined)).toBeUndefined();
  });
});
