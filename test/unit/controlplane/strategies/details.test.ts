/** Smaller rules of several kinds, as upstream's validation tests have them. */
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { requestError } from "../../../../src/controlplane/apiserver/validation/certificate_request.ts";
import { causes, created, object, refusals, statusCauses, updateRefusals, type Fields } from "./life.ts";
import { csr, hpa, request } from "./samples.ts";

const text = (made: ApiObject): string[] => causes(made).map(({ field, message }) => `${field}: ${message}`);
const specOf = (made: ApiObject) => made["spec"] as Fields;

describe("a certificate request", () => {
  const made = (...key: string[]): string => {
    const args = ["req", "-new", "-newkey", ...key, "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x/O=y"];
    return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();
  };
  const pem = Buffer.from(request, "base64").toString();
  const der = Buffer.from(pem.split("\n").slice(1, -1).join(""), "base64");
  const armoured = (bytes: Buffer): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;

  it.each([
    ["rsa:2048"],
    ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-sha384"],
    ["ed25519"],
  ])("of a key of %s is taken as openssl makes it", (...key) => expect(requestError(made(...key))).toBeUndefined());

  it("that somebody changed is refused", () => {
    const changed = Buffer.from(der);
    changed[changed.indexOf("x".charCodeAt(0), 12)] = "z".charCodeAt(0);
    expect(requestError(armoured(changed))).toBe("x509: signature does not match the request's key");
    expect(text(csr({ request: Buffer.from(armoured(changed)).toString("base64") }))).toHaveLength(1);
    expect(text(csr())).toEqual([]);
  });

  it("that is cut off anywhere, or goes on, is refused and not a fault of ours", () => {
    for (let length = 0; length < der.length; length++) {
      expect(requestError(armoured(der.subarray(0, length))), String(length)).toMatch(/^(asn1: |x509: |PEM )/);
    }
    expect(requestError(armoured(Buffer.concat([der, Buffer.from([0])])))).toMatch(/^asn1: /);
    expect(requestError("nothing")).toBe("PEM block type must be CERTIFICATE REQUEST");
  });
});

describe("a CSIStorageCapacity", () => {
  const capacity = (fields: Fields = {}) =>
    object("storage.k8s.io/v1", "CSIStorageCapacity", { storageClassName: "fast", ...fields });
  const topology = (value: string) => ({ matchLabels: { zone: value } });

  it.each<[Fields, string[]]>([
    [{ capacity: "1Gi", nodeTopology: topology("a") }, []],
    [{ storageClassName: "-Fast" }, ["Invalid storageClassName"]],
    [{ capacity: "-1Gi" }, ["Invalid capacity"]],
    [{ nodeTopology: topology("a b") }, ["Invalid nodeTopology.matchLabels"]],
  ])("%j", (fields, expected) => expect(refusals(capacity(fields))).toEqual(expected));

  it("changes its amount alone", () => {
    const old = capacity({ capacity: "1Gi", nodeTopology: topology("a") });
    const change = (fields: Fields) => updateRefusals(old, (next) => Object.assign(next, fields));
    expect(change({ capacity: "2Gi" })).toEqual([]);
    expect(change({ storageClassName: "slow" })).toEqual(["Invalid storageClassName"]);
    expect(change({ nodeTopology: topology("b") })).toEqual(["Invalid nodeTopology"]);
  });
});

describe("a PersistentVolume's node affinity", () => {
  const affinity = (key: string, value = "v") => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values: [value] }] }] },
  });
  const volume = (nodeAffinity?: Fields) =>
    object("v1", "PersistentVolume", {
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        hostPath: { path: "/x" },
        ...(nodeAffinity ? { nodeAffinity } : {}),
      },
    });
  const stays = ["Invalid nodeAffinity"];

  it.each<[string, Fields | undefined, Fields | undefined, string[]]>([
    ["comes", undefined, affinity("zone"), []],
    ["goes", affinity("zone"), undefined, stays],
    ["changes", affinity("zone"), affinity("zone", "w"), stays],
    [
      "gets a label's stable name",
      affinity("failure-domain.beta.kubernetes.io/zone"),
      affinity("topology.kubernetes.io/zone"),
      [],
    ],
    [
      "gets another's",
      affinity("failure-domain.beta.kubernetes.io/zone"),
      affinity("topology.kubernetes.io/region"),
      stays,
    ],
    [
      "gets a stable name, and another value",
      affinity("beta.kubernetes.io/os"),
      affinity("kubernetes.io/os", "w"),
      stays,
    ],
    ["gets the older name", affinity("kubernetes.io/os"), affinity("beta.kubernetes.io/os"), stays],
  ])("that %s", (_what, before, after, expected) => {
    expect(updateRefusals(volume(before), (next) => (specOf(next)["nodeAffinity"] = after))).toEqual(expected);
  });
});

describe("a Service's annotations", () => {
  const ranges = "service.beta.kubernetes.io/load-balancer-source-ranges";
  const [mode, hints] = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"];
  const service = (annotations: Fields, spec: Fields = {}) =>
    object("v1", "Service", { spec: { ports: [{ port: 80 }], type: "LoadBalancer", ...spec } }, { annotations });

  it.each<[ApiObject, string[]]>([
    [service({ [ranges]: "1.2.3.0/24, 5.6.0.0/16" }), []],
    [service({ [ranges]: "" }), []],
    [service({ [ranges]: "1.2.3.0/24,foo" }), [`Invalid metadata.annotations[${ranges}]`]],
    [service({ [ranges]: "1.2.3.0/24" }, { type: "ClusterIP" }), [`Forbidden metadata.annotations[${ranges}]`]],
    // The field goes before the annotation.
    [service({ [ranges]: "foo" }, { loadBalancerSourceRanges: ["1.2.3.0/24"] }), []],
    [service({ [mode]: "Auto", [hints]: "Auto" }), []],
    [service({ [mode]: "Auto", [hints]: "Disabled" }), [`Invalid metadata.annotations[${mode}]`]],
  ])("%#", (made, expected) => expect(refusals(made)).toEqual(expected));
});

it("a Node has no configSource, of a feature that is gone, unless it had one", () => {
  const configSource = { configMap: { name: "c", namespace: "kube-system", kubeletConfigKey: "k" } };
  const node = object("v1", "Node", { spec: { configSource } });
  expect(created(node)["spec"]).toEqual({});
});

describe("a StatefulSet", () => {
  const container = (more: Fields = {}): Fields => ({ name: "c", image: "i", ...more });
  const claim = (spec: Fields = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }) => ({
    metadata: { name: "data" },
    spec,
  });
  const set = (spec: Fields, pod: Fields = {}, name = "web") =>
    object(
      "apps/v1",
      "StatefulSet",
      {
        spec: {
          selector: { matchLabels: { app: "a" } },
          template: { metadata: { labels: { app: "a" } }, spec: { containers: [container()], ...pod } },
          ...spec,
        },
      },
      { name },
    );
  const mounts = { containers: [container({ volumeMounts: [{ name: "data", mountPath: "/data" }] })] };

  it.each<[string, ApiObject, string[]]>([
    ["mounts its claims", set({ volumeClaimTemplates: [claim()] }, mounts), []],
    [
      "puts its claims in the place of volumes",
      set({ volumeClaimTemplates: [claim()] }, { ...mounts, volumes: [{ name: "data", hostPath: {} }] }),
      [],
    ],
    ["mounts what there is", set({}, mounts), ["NotFound spec.template.spec.containers[0].volumeMounts[0].name"]],
    [
      "has a right template",
      set({}, { containers: [container({ name: "C" })] }),
      ["Invalid spec.template.spec.containers[0].name"],
    ],
    [
      "has right claims",
      set({ volumeClaimTemplates: [claim({})] }),
      [
        "Required spec.volumeClaimTemplates[0].spec.accessModes",
        "Required spec.volumeClaimTemplates[0].spec.resources[storage]",
      ],
    ],
    ["has a Service's name", set({ serviceName: "a.b" }), ["Invalid spec.serviceName"]],
    ["has a name that its pods' host names can begin with", set({}, {}, "a.b"), ["Invalid metadata.name"]],
  ])("%s", (_what, made, expected) => expect(refusals(made)).toEqual(expected));

  it("that was wrong before that was checked can still be changed, and none can become wrong", () => {
    const scale = (next: ApiObject) => (specOf(next)["replicas"] = 3);
    expect(updateRefusals(set({}, mounts), scale)).toEqual([]);
    expect(updateRefusals(set({ serviceName: "a.b" }), scale)).toEqual([]);
    const breaking = (next: ApiObject) => Object.assign((specOf(next)["template"] as { spec: Fields }).spec, mounts);
    expect(updateRefusals(set({}), breaking)).toHaveLength(1);
  });
});

describe("an autoscaler's metric", () => {
  const metric = (one: Fields) => hpa({ metrics: [one] });
  const at = "spec.metrics[0]";
  const named = { metric: { name: "queue" } };
  const value = { type: "Value", value: "1" };
  const both = { ...value, averageValue: "1" };
  const describedObject = { kind: "Service", name: "s" };
  const types = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"';

  it.each<[Fields, string[]]>([
    [{ type: "External", external: { ...named, target: value } }, []],
    [{ type: "Object", object: { ...named, describedObject, target: both } }, []],
    [
      { type: "External", external: { ...named, target: both } },
      [`${at}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`],
    ],
    [
      { type: "Object", object: { ...named, describedObject, target: { type: "Value" } } },
      [`${at}.object.target.averageValue: Required value: must set either a target value or averageValue`],
    ],
    [
      { type: "Pods", pods: { ...named, target: value } },
      [`${at}.pods.target.averageValue: Required value: must specify a positive target averageValue`],
    ],
    [
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
      },
      [`${at}.containerResource.container: Required value: must specify a container`],
    ],
    [
      { type: "Resource", resource: { name: "some", target: { type: "Utilization", averageUtilization: 0 } } },
      [
        `${at}.resource.name: Invalid value: "some": must be a standard resource type or fully qualified`,
        `${at}.resource.name: Invalid value: "some": must be a standard resource for containers`,
        `${at}.resource.target.averageUtilization: Invalid value: 0: must be greater than 0`,
      ],
    ],
    [
      { type: "Some", external: { ...named, target: value } },
      [`${at}.type: Unsupported value: "Some": ${types}`, `${at}.type: Unsupported value: "Some": ${types}`],
    ],
    [
      { type: "Pods", external: { ...named, target: value } },
      [`${at}.pods: Required value: must populate information for the given metric source`],
    ],
    [
      { type: "Pods", external: { ...named, target: value }, pods: { ...named, target: value } },
      [`${at}.external: Forbidden: must populate the given metric source only`],
    ],
  ])("%j", (one, expected) => expect(text(metric(one))).toEqual(expected));
});

describe("networking", () => {
  const policy = (port: Fields) =>
    object("networking.k8s.io/v1", "NetworkPolicy", { spec: { podSelector: {}, ingress: [{ ports: [port] }] } });
  const ingress = (resource: Fields) =>
    object("networking.k8s.io/v1", "Ingress", { spec: { defaultBackend: { resource } } });
  const range = (...cidrs: string[]) => object("networking.k8s.io/v1", "ServiceCIDR", { spec: { cidrs } });
  const families = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";

  it.each<[ApiObject, string[]]>([
    [
      policy({ port: 8080, endPort: 80 }),
      ["spec.ingress[0].ports[0].endPort: Invalid value: 8080: must be greater than or equal to `port`"],
    ],
    [
      ingress({}),
      [
        "spec.defaultBackend.resource.kind: Required value: kind is required",
        "spec.defaultBackend.resource.name: Required value: name is required",
      ],
    ],
    [range("10.0.0.0/24", "fd00::/112"), []],
    [
      range("10.0.0.0/24", "10.1.0.0/24"),
      [`spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/24","10.1.0.0/24"]}: ${families}`],
    ],
    [range("10.0.0.0/24", "x"), [`spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/24","x"]}: ${families}`]],
  ])("%#", (made, expected) => expect(text(made)).toEqual(expected));
});

describe("a PersistentVolumeClaim's update", () => {
  const annotation = "volume.beta.kubernetes.io/storage-class";
  const claim = (spec: Fields = {}, annotations: Fields = {}) =>
    object(
      "v1",
      "PersistentVolumeClaim",
      { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec } },
      { annotations },
    );
  const path = `metadata.annotations.${annotation}`;

  it.each<[string, ApiObject, (next: ApiObject) => unknown, string[]]>([
    ["may name a class where there is none", claim(), (next) => (specOf(next)["storageClassName"] = "fast"), []],
    [
      "may not name another",
      claim({ storageClassName: "a" }),
      (next) => (specOf(next)["storageClassName"] = "b"),
      ["Forbidden spec"],
    ],
    [
      "may name the annotation's class",
      claim({}, { [annotation]: "fast" }),
      (next) => {
        delete next.metadata.annotations![annotation];
        specOf(next)["storageClassName"] = "fast";
      },
      [],
    ],
    [
      "may name no other than the annotation's",
      claim({}, { [annotation]: "fast" }),
      (next) => (specOf(next)["storageClassName"] = "slow"),
      ["Forbidden spec"],
    ],
    [
      "may not change the annotation",
      claim({}, { [annotation]: "fast" }),
      (next) => (next.metadata.annotations![annotation] = "slow"),
      [`Invalid ${path}`],
    ],
    [
      "may change the class of attributes before it is bound",
      claim({ volumeAttributesClassName: "gold" }),
      (next) => (specOf(next)["volumeAttributesClassName"] = "iron"),
      [],
    ],
    [
      "may not take it away",
      claim({ volumeAttributesClassName: "gold" }),
      (next) => delete specOf(next)["volumeAttributesClassName"],
      ["Forbidden spec.volumeAttributesClassName"],
    ],
  ])("%s", (_what, old, change, expected) => expect(updateRefusals(old, change)).toEqual(expected));

  it.each<[Fields, string[]]>([
    [{ allocatedResourceStatuses: { storage: "NodeResizePending" }, allocatedResources: { storage: "2Gi" } }, []],
    [{ capacity: { storage: "-1" } }, ["status.capacity[storage]"]],
    [{ allocatedResourceStatuses: { storage: "Growing" } }, ["status.allocatedResourceStatus"]],
    [{ allocatedResources: { cpu: "1" } }, ["status.allocatedResources"]],
    [{ allocatedResources: { "example.com/x": "-1" } }, ["status.allocatedResources[example.com/x]"]],
  ])("of its status to %j", (status, expected) => {
    const before = created(claim());
    const found = statusCauses(before, { ...structuredClone(before), status });
    expect(found.map(({ field }) => field)).toEqual(expected);
  });
});
