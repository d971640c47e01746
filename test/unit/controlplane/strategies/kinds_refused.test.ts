/** The smaller kinds: each as it should be, and what is wrong with each. */
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { causes, object, refusals } from "./life.ts";

import {
  base64,
  service,
  claim,
  volume,
  slice,
  backend,
  ingress,
  policy,
  hpa,
  pdb,
  quota,
  limits,
  role,
  binding,
  csr,
  storageClass,
  priority,
} from "./samples.ts";
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
