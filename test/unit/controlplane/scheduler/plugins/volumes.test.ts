/** Plugins of volumes: cases that upstream's tests of them check. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "../../../../../src/controlplane/scheduler/cluster/cluster.ts";
import type { PodInfo } from "../../../../../src/controlplane/scheduler/model/pod_info.ts";
import { nodeVolumeLimits } from "../../../../../src/controlplane/scheduler/plugins/node_volume_limits.ts";
import { volumeBinding } from "../../../../../src/controlplane/scheduler/plugins/volume_binding.ts";
import { volumeRestrictions } from "../../../../../src/controlplane/scheduler/plugins/volume_restrictions.ts";
import { volumeZone } from "../../../../../src/controlplane/scheduler/plugins/volume_zone.ts";
import { clusterOf, info, node } from "../objects.ts";
import { filtered } from "./harness.ts";

const meta = (name: string, more: object = {}) => ({
  name,
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});
let cluster: Cluster;
beforeEach(() => {
  cluster = clusterOf([node("a", { labels: { zone: "1" } }), node("b", { labels: { zone: "2" } })]);
  addClass("wait", "WaitForFirstConsumer", "example.com/csi");
  addClass("static", "WaitForFirstConsumer", "kubernetes.io/no-provisioner");
  addClass("now", "Immediate", "example.com/csi");
});

function addClass(name: string, volumeBindingMode: string, provisioner: string, more: object = {}): void {
  const kind = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass" };
  cluster.objects.storageClasses.set({ ...kind, metadata: meta(name), volumeBindingMode, provisioner, ...more });
}

function addClaim(
  name: string,
  storageClassName: string,
  more: { spec?: object; metadata?: object; status?: object } = {},
) {
  cluster.objects.persistentVolumeClaims.set({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta(name, { namespace: "default", ...more.metadata }),
    spec: {
      storageClassName,
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "5Gi" } },
      ...more.spec,
    },
    status: { phase: "Pending", ...more.status },
  });
}

function addVolume(name: string, more: { spec?: object; labels?: object; zone?: string; phase?: string } = {}): void {
  const { spec, labels, zone, phase = "Available" } = more;
  const matchExpressions = [{ key: "zone", operator: "In", values: [zone] }];
  cluster.objects.persistentVolumes.set({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: meta(name, labels ? { labels } : {}),
    spec: {
      storageClassName: "static",
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "10Gi" },
      ...(zone ? { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } } : {}),
      ...spec,
    } as object,
    status: { phase },
  });
}

const boundTo = (volumeName: string) => ({
  spec: { volumeName },
  metadata: { annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
  status: { phase: "Bound" },
});
const using = (...claims: string[]): PodInfo =>
  info("p", {
    spec: { volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) },
  });
const binding = (...claims: string[]) => filtered(volumeBinding, using(...claims), cluster);
function stepsOn(nodeName: string, ...claims: string[]) {
  const filter = volumeBinding.filter!(using(...claims), cluster);
  if (!filter || "code" in filter) throw new Error("no filter");
  return filter.volumeSteps!(cluster.node(nodeName)!);
}

const nodeConflict = "node(s) didn't match PersistentVolume's node affinity";
const bindConflict = "node(s) didn't find available persistent volumes to bind";

describe("VolumeBinding", () => {
  it("refuses pods whose claims are not there, not bound, or going", () => {
    expect(binding("none")).toMatchObject({ a: 'persistentvolumeclaim "none" not found' });
    addClaim("immediate", "now");
    expect(binding("immediate")).toMatchObject({ a: "pod has unbound immediate PersistentVolumeClaims" });
    addClaim("going", "wait", { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } });
    expect(binding("going")).toMatchObject({ a: 'persistentvolumeclaim "going" is being deleted' });
    addClaim("lost", "wait", { status: { phase: "Lost" }, spec: { volumeName: "v" } });
    expect(binding("lost")).toMatchObject({
      a: 'persistentvolumeclaim "lost" bound to non-existent persistentvolume "v"',
    });
    const ephemeral = info("e", { spec: { volumes: [{ name: "data", ephemeral: {} }] } });
    expect(filtered(volumeBinding, ephemeral, cluster)).toMatchObject({
      a: 'waiting for ephemeral volume controller to create the persistentvolumeclaim "e-data"',
    });
  });

  it("wants nodes that reach the bound volumes", () => {
    addClaim("c", "static", boundTo("v"));
    expect(binding("c")).toMatchObject({
      a: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
    });
    addVolume("v", { zone: "1", phase: "Bound" });
    expect(binding("c")).toEqual({ a: "ok", b: nodeConflict });
  });

  it("chooses the smallest volume that will do, for each claim its own", () => {
    addClaim("c", "static");
    expect(binding("c")).toEqual({ a: bindConflict, b: bindConflict });
    addVolume("large", { zone: "1", spec: { capacity: { storage: "50Gi" } } });
    addVolume("fitting", { zone: "1" });
    addVolume("small", { zone: "1", spec: { capacity: { storage: "1Gi" } } });
    addVolume("block", { zone: "1", spec: { volumeMode: "Block", capacity: { storage: "5Gi" } } });
    addVolume("read", { zone: "1", spec: { accessModes: ["ReadOnlyMany"], capacity: { storage: "5Gi" } } });
    addVolume("taken", {
      zone: "1",
      spec: { claimRef: { namespace: "default", name: "x" }, capacity: { storage: "5Gi" } },
    });
    expect(binding("c")).toEqual({ a: "ok", b: bindConflict });
    expect(stepsOn("a", "c")).toEqual([{ type: "BindVolume", namespace: "default", claim: "c", volume: "fitting" }]);
    addClaim("d", "static");
    expect(stepsOn("a", "c", "d").map((step) => step.type === "BindVolume" && step.volume)).toEqual([
      "fitting",
      "large",
    ]);
    // What is promised to another pod's claim is not given twice.
    cluster.assumedVolumes.assume([{ type: "BindVolume", namespace: "default", claim: "d", volume: "fitting" }]);
    expect(stepsOn("a", "c")).toMatchObject([{ volume: "large" }]);
  });

  it("takes the volume that is meant for the claim", () => {
    addClaim("c", "static");
    addVolume("fitting", { zone: "1" });
    addVolume("meant", {
      zone: "1",
      spec: { claimRef: { namespace: "default", name: "c" }, capacity: { storage: "99Gi" } },
    });
    expect(stepsOn("a", "c")).toMatchObject([{ volume: "meant" }]);
  });

  it("has a volume made where the node is, where the class can and may", () => {
    addClaim("c", "wait");
    expect(stepsOn("b", "c")).toEqual([{ type: "SelectNode", namespace: "default", claim: "c", nodeName: "b" }]);
    addClass("wait", "WaitForFirstConsumer", "example.com/csi", {
      allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["1"] }] }],
    });
    expect(binding("c")).toEqual({ a: "ok", b: bindConflict });
    addClaim("c", "wait", { metadata: { annotations: { "volume.kubernetes.io/selected-node": "b" } } });
    expect(binding("c")).toMatchObject({ a: bindConflict });
  });
});

describe("VolumeZone", () => {
  it("leaves nodes of the volume's zones, and those that have none", () => {
    const zone = "topology.kubernetes.io/zone";
    cluster = clusterOf([
      node("a", { labels: { [zone]: "z1" } }),
      node("b", { labels: { [zone]: "z2" } }),
      node("bare"),
    ]);
    addVolume("v", { labels: { [zone]: "z1__z3" } });
    addClaim("c", "static", boundTo("v"));
    expect(filtered(volumeZone, using("c"), cluster)).toEqual({
      a: "ok",
      b: "node(s) had no available volume zone",
      bare: "ok",
    });
  });
});

describe("VolumeRestrictions", () => {
  it("gives a claim of ReadWriteOncePod to one pod, which may be preempted", () => {
    addClaim("c", "static", { spec: { accessModes: ["ReadWriteOncePod"] } });
    const inUse = "~node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
    expect(filtered(volumeRestrictions, using("c"), cluster)).toEqual({ a: "ok", b: "ok" });
    const spec = { volumes: [{ name: "c", persistentVolumeClaim: { claimName: "c" } }] };
    const other = info("other", { spec });
    cluster.setPod(other, "a");
    expect(filtered(volumeRestrictions, using("c"), cluster)).toEqual({ a: inUse, b: inUse });
    const filter = volumeRestrictions.filter!(using("c"), cluster);
    if (!filter || "code" in filter) throw new Error("no filter");
    filter.change!(cluster.node("a")!, other, -1);
    expect(filter.check(cluster.node("a")!)).toBeUndefined();
  });
});

describe("NodeVolumeLimits", () => {
  it("counts a driver's volumes on a node, each once", () => {
    const csi = (volumeHandle: string) => ({ spec: { csi: { driver: "example.com/csi", volumeHandle } } });
    for (const name of ["1", "2", "3"]) {
      addVolume(`v${name}`, csi(name));
      addClaim(`c${name}`, "wait", boundTo(`v${name}`));
    }
    const kind = { apiVersion: "storage.k8s.io/v1", kind: "CSINode" };
    const drivers = [{ name: "example.com/csi", nodeID: "a", allocatable: { count: 2 } }];
    cluster.objects.csiNodes.set({ ...kind, metadata: meta("a"), spec: { drivers } });
    const volumes = ["c1", "c2"].map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
    cluster.setPod(info("other", { spec: { volumes } }), "a");
    const exceeded = "~node(s) exceed max volume count";
    expect(filtered(nodeVolumeLimits, using("c3"), cluster)).toEqual({ a: exceeded, b: "ok" });
    expect(filtered(nodeVolumeLimits, using("c2"), cluster)).toEqual({ a: "ok", b: "ok" });
  });
});
