/** The smaller kinds: each as it should be, and what is wrong with each. */
import { describe, expect, it } from "vitest";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { causes, created, object, refusals, updateRefusals, type Fields } from "./life.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const service = (spec: Fields = {}) => object("v1", "Service", { spec: { ports: [{ port: 80 }], ...spec } });
const claim = (spec: Fields = {}) =>
  object("v1", "PersistentVolumeClaim", {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
const volume = (spec: Fields = {}) =>
  object("v1", "PersistentVolume", {
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" }, ...spec },
  });
const slice = (fields: Fields = {}) =>
  object("discovery.k8s.io/v1", "EndpointSlice", {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"] }],
    ports: [{ port: 80 }],
    ...fields,
  });
const backend = { service: { name: "s", port: { number: 80 } } };
const ingress = (spec: Fields) => object("networking.k8s.io/v1", "Ingress", { spec });
const policy = (spec: Fields) => object("networking.k8s.io/v1", "NetworkPolicy", { spec });
const hpa = (spec: Fields = {}) =>
  object("autoscaling/v2", "HorizontalPodAutoscaler", {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" }, ...spec },
  });
const pdb = (spec: Fields) => object("policy/v1", "PodDisruptionBudget", { spec });
const quota = (spec: Fields) => object("v1", "ResourceQuota", { spec });
const limits = (item: Fields) => object("v1", "LimitRange", { spec: { limits: [{ type: "Container", ...item }] } });
const role = (rule: Fields) => object("rbac.authorization.k8s.io/v1", "Role", { rules: [rule] });
const binding = (kind: string, fields: Fields) => object("rbac.authorization.k8s.io/v1", kind, fields);
const request = base64("-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----");
const csr = (spec: Fields = {}) =>
  object("certificates.k8s.io/v1", "CertificateSigningRequest", {
    spec: { request, signerName: "example.com/signer", usages: ["client auth"], ...spec },
  });
const storageClass = (fields: Fields = {}) =>
  object("storage.k8s.io/v1", "StorageClass", { provisioner: "example.com/disk", ...fields });
const priority = (name: string, value: number) => object("scheduling.k8s.io/v1", "PriorityClass", { value }, { name });

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

describe("refused for", () => {
  it.each<[string, ApiObject, string[]]>([
    ["a Service without ports", service({ ports: [] }), ["Required spec.ports"]],
    [
      "ports without names",
      service({ ports: [{ port: 1 }, { port: 2 }] }),
      ["Required spec.ports[0].name", "Required spec.ports[1].name"],
    ],
    [
      "a port twice",
      service({
        ports: [
          { name: "a", port: 1 },
          { name: "b", port: 1 },
        ],
      }),
      ["Duplicate spec.ports[1]"],
    ],
    ["a type", service({ type: "Magic" }), ["NotSupported spec.type"]],
    [
      "a node port of a cluster's own",
      service({ ports: [{ port: 1, nodePort: 30000 }] }),
      ["Forbidden spec.ports[0].nodePort"],
    ],
    ["an external Service without a name", service({ type: "ExternalName" }), ["Required spec.externalName"]],
    [
      "addresses that are none",
      service({ clusterIP: "x", externalIPs: ["127.0.0.1"] }),
      ["Invalid spec.clusterIPs[0]", "Invalid spec.externalIPs[0]"],
    ],
    [
      "two of a family",
      service({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "10.0.0.2"] }),
      ["Invalid spec.clusterIPs"],
    ],
    [
      "a family that is another",
      service({ clusterIP: "10.0.0.1", ipFamilies: ["IPv6"] }),
      ["Invalid spec.clusterIPs[0]"],
    ],
    [
      "an affinity too long",
      service({ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } } }),
      ["Invalid spec.sessionAffinityConfig.clientIP.timeoutSeconds"],
    ],
    [
      "ranges without a balancer",
      service({ loadBalancerSourceRanges: ["10.0.0.0/33"] }),
      ["Forbidden spec.LoadBalancerSourceRanges", "Invalid spec.LoadBalancerSourceRanges[0]"],
    ],
    [
      "a Service's name",
      object("v1", "Service", { spec: { ports: [{ port: 1 }] } }, { name: "1x" }),
      ["Invalid metadata.name"],
    ],
    [
      "a key of a ConfigMap",
      object("v1", "ConfigMap", { data: { "a/b": "", c: "" }, binaryData: { c: "" } }),
      ["Invalid data[a/b]", "Invalid data[c]"],
    ],
    ["a ConfigMap too big", object("v1", "ConfigMap", { data: { a: "x".repeat(2 ** 20 + 1) } }), ["TooLong "]],
    [
      "a Secret without its keys",
      object("v1", "Secret", { type: "kubernetes.io/tls", data: { "tls.crt": "" } }),
      ["Required data[tls.key]"],
    ],
    [
      "a Secret that is not JSON",
      object("v1", "Secret", { type: "kubernetes.io/dockerconfigjson", data: { ".dockerconfigjson": base64("x") } }),
      ["Invalid data[.dockerconfigjson]"],
    ],
    [
      "a token without its account",
      object("v1", "Secret", { type: "kubernetes.io/service-account-token" }),
      ["Required metadata.annotations[kubernetes.io/service-account.name]"],
    ],
    ["a namespace with dots", object("v1", "Namespace", {}, { name: "a.b" }), ["Invalid metadata.name"]],
    [
      "a taint twice",
      object("v1", "Node", {
        spec: {
          taints: [
            { key: "a", effect: "NoSchedule" },
            { key: "a", effect: "NoSchedule", value: "b" },
            { key: "a", effect: "Go" },
          ],
        },
      }),
      ["Duplicate metadata.taints[1]", "NotSupported metadata.taints[2].effect"],
    ],
    [
      "pod networks of one family",
      object("v1", "Node", { spec: { podCIDRs: ["10.0.0.0/24", "10.0.1.0/24"] } }),
      ["Invalid spec.podCIDRs"],
    ],
    [
      "a claim of nothing",
      claim({ accessModes: [], resources: {} }),
      ["Required spec.accessModes", "Required spec.resources[storage]"],
    ],
    [
      "a claim's modes",
      claim({ accessModes: ["ReadWriteOncePod", "ReadWriteMany", "Mine"], volumeMode: "Tape" }),
      ["NotSupported spec.accessModes", "Forbidden spec.accessModes", "NotSupported spec.volumeMode"],
    ],
    [
      "a volume of nothing",
      volume({ hostPath: undefined, capacity: { cpu: "1" } }),
      ["NotSupported spec.capacity", "Required spec"],
    ],
    ["a local volume anywhere", volume({ hostPath: undefined, local: { path: "/x" } }), ["Required spec.nodeAffinity"]],
    ["two volumes in one", volume({ nfs: { server: "s", path: "/" } }), ["Forbidden spec.nfs"]],
    [
      "endpoints of nothing",
      object("v1", "Endpoints", { subsets: [{ ports: [{ port: 0 }] }] }),
      ["Required subsets[0]", "Invalid subsets[0].ports[0].port"],
    ],
    [
      "a loopback endpoint",
      object("v1", "Endpoints", { subsets: [{ addresses: [{ ip: "127.0.0.1" }] }] }),
      ["Invalid subsets[0].addresses[0].ip"],
    ],
    [
      "a slice of another family",
      slice({ endpoints: [{ addresses: ["::2"] }] }),
      ["Invalid endpoints[0].addresses[0]"],
    ],
    [
      "too many endpoints",
      slice({ endpoints: Array.from({ length: 1001 }, () => ({ addresses: ["10.0.0.1"] })) }),
      ["TooMany endpoints"],
    ],
    [
      "too many ports",
      slice({ ports: Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, port: 1 })) }),
      ["TooMany ports"],
    ],
    ["a slice's type", slice({ addressType: "IPX", endpoints: [] }), ["NotSupported addressType"]],
    ["an Ingress to nowhere", ingress({}), ["Invalid spec"]],
    [
      "an Ingress's path",
      ingress({
        rules: [
          {
            host: "10.0.0.1",
            http: {
              paths: [
                { path: "x", pathType: "Prefix", backend },
                { path: "/", backend },
              ],
            },
          },
        ],
      }),
      [
        "Invalid spec.rules[0].host",
        "Invalid spec.rules[0].http.paths[0].path",
        "Required spec.rules[0].http.paths[1].pathType",
      ],
    ],
    [
      "a backend of two",
      ingress({ defaultBackend: { ...backend, resource: { kind: "K", name: "n" } } }),
      ["Invalid spec.defaultBackend"],
    ],
    [
      "a class without a controller",
      object("networking.k8s.io/v1", "IngressClass", { spec: { controller: "x" } }),
      ["Invalid spec.controller"],
    ],
    ["a peer of nothing", policy({ ingress: [{ from: [{}] }] }), ["Required spec.ingress[0].from[0]"]],
    [
      "an exception outside",
      policy({ ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/24", except: ["10.0.1.0/25"] } }] }] }),
      ["Invalid spec.ingress[0].from[0].ipBlock.except[0]"],
    ],
    [
      "an end before the start",
      policy({
        egress: [
          {
            ports: [
              { port: 10, endPort: 9 },
              { port: "web", endPort: 9 },
            ],
          },
        ],
      }),
      ["Invalid spec.egress[0].ports[0].endPort", "Invalid spec.egress[0].ports[1].endPort"],
    ],
    [
      "a name that is no address",
      object(
        "networking.k8s.io/v1",
        "IPAddress",
        { spec: { parentRef: { resource: "services", name: "s" } } },
        { name: "x" },
      ),
      ["Invalid metadata.name"],
    ],
    [
      "an address of nobody",
      object("networking.k8s.io/v1", "IPAddress", {}, { name: "10.0.0.1" }),
      ["Required spec.parentRef"],
    ],
    [
      "an IPv6 address at length",
      object(
        "networking.k8s.io/v1",
        "IPAddress",
        { spec: { parentRef: { resource: "services", name: "s" } } },
        { name: "2001:db8:0::1" },
      ),
      ["Invalid metadata.name"],
    ],
    [
      "a range with host bits",
      object("networking.k8s.io/v1", "ServiceCIDR", { spec: { cidrs: ["10.0.0.1/24"] } }),
      ["Invalid spec.cidrs[0]"],
    ],
    [
      "an autoscaler's bounds",
      hpa({ minReplicas: 5, scaleTargetRef: {} }),
      ["Invalid spec.maxReplicas", "Required spec.scaleTargetRef.kind", "Required spec.scaleTargetRef.name"],
    ],
    ["a metric without its source", hpa({ metrics: [{ type: "Pods" }] }), ["Required spec.metrics[0].pods"]],
    [
      "a budget of two",
      pdb({ minAvailable: 1, maxUnavailable: "101%" }),
      ["Invalid spec", "Invalid spec.maxUnavailable"],
    ],
    [
      "a quota",
      quota({ hard: { widgets: "1", pods: "1500m" }, scopes: ["BestEffort", "NotBestEffort"] }),
      ["Invalid spec.hard[widgets]", "Invalid spec.hard[widgets]", "Invalid spec.hard[pods]", "Invalid spec.scopes"],
    ],
    [
      "a minimum above the maximum",
      limits({ min: { cpu: "2" }, max: { cpu: "1" } }),
      [
        "Invalid spec.limits[0].min[cpu]",
        "Invalid spec.limits[0].defaultRequest[cpu]",
        "Invalid spec.limits[0].default[cpu]",
      ],
    ],
    ["a rule without verbs", role({ apiGroups: [""], resources: ["pods"] }), ["Required rules[0].verbs"]],
    ["paths in a namespace", role({ verbs: ["get"], nonResourceURLs: ["/x"] }), ["Invalid rules[0].nonResourceURLs"]],
    [
      "a cluster's binding to a Role",
      binding("ClusterRoleBinding", {
        roleRef: { kind: "Role", name: "r" },
        subjects: [{ kind: "ServiceAccount", name: "a" }],
      }),
      ["NotSupported roleRef.kind", "Required subjects[0].namespace"],
    ],
    [
      "a request that is none",
      csr({ request: "", signerName: "signer", expirationSeconds: 1 }),
      ["Invalid spec.request", "Invalid spec.signerName", "Invalid spec.expirationSeconds"],
    ],
    ["a class of the system", priority("system-mine", 5), ["Forbidden metadata.name"]],
    ["a priority too high", priority("p", 1_000_000_001), ["Forbidden value"]],
    [
      "a storage class",
      storageClass({ provisioner: "", reclaimPolicy: "Keep" }),
      ["Required provisioner", "NotSupported reclaimPolicy"],
    ],
    ["a handler", object("node.k8s.io/v1", "RuntimeClass", { handler: "Big" }), ["Invalid handler"]],
    [
      "a lease without end",
      object("coordination.k8s.io/v1", "Lease", { spec: { leaseDurationSeconds: 0 } }),
      ["Invalid spec.leaseDurationSeconds"],
    ],
    [
      "an event of elsewhere",
      object("v1", "Event", { involvedObject: { namespace: "other" } }),
      ["Invalid involvedObject.namespace"],
    ],
    [
      "an attachment of nothing",
      object("storage.k8s.io/v1", "VolumeAttachment", { spec: { attacher: "d", nodeName: "n" } }),
      ["Required spec.source"],
    ],
    [
      "a driver twice",
      object("storage.k8s.io/v1", "CSINode", { spec: { drivers: [{ name: "d", nodeID: "1" }, { name: "d" }] } }),
      ["Required spec.drivers[1].nodeID", "Duplicate spec.drivers[1].name"],
    ],
  ])("%s", (_what, sent, expected) => {
    expect(refusals(sent)).toEqual(expected);
  });

  it("an address, in upstream's words", () => {
    expect(causes(service({ externalIPs: ["x"] }))).toEqual([
      {
        reason: "FieldValueInvalid",
        field: "spec.externalIPs[0]",
        message: 'Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      },
    ]);
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
