/** Which pods a node lets in, and what it says of the others. */
import { describe, expect, it } from "vitest";
import { openAdmission } from "../../../src/kubelet/admission/admission.ts";
import { admissionOf, type AdmissionView } from "../../../src/kubelet/admission/plan.ts";
import type { Client } from "../../../src/api/client.ts";
import type { Node, Pod } from "../../../src/model/kubernetes.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";

const nodeOf = (spec: object = {}, labels: object = {}): Node =>
  ({ metadata: { name: "n1", labels: { disk: "fast", ...labels } }, spec, status: {} }) as unknown as Node;

const view = (changes: Partial<AdmissionView> = {}): AdmissionView => ({
  node: nodeOf(),
  allocatable: { cpu: "2", memory: "1Gi", pods: "3", "ephemeral-storage": "10Gi", "hugepages-2Mi": "4Mi" },
  pressures: [],
  others: [],
  unsafeSysctls: [],
  hasAppArmor: true,
  ...changes,
});

const asks = (requests: Record<string, string>): Pod =>
  podOf({ containers: [{ name: "main", resources: { requests } }], metadata: { uid: JSON.stringify(requests) } });
const port = (hostPort: number, hostIP?: string): Pod =>
  podOf({ containers: [{ name: "main", ports: [{ containerPort: 80, hostPort, ...(hostIP ? { hostIP } : {}) }] }] });
const withSpec = (spec: object): Pod => podOf({ spec });
const sysctl = (name: string, spec: object = {}): Pod =>
  withSpec({ securityContext: { sysctls: [{ name, value: "1" }] }, ...spec });
const evicted = (which: string): string => `Evicted The node had condition: [${which}]. `;
const lack = (text: string): string => `OutOf${text.split(",")[0]} Node didn't have enough resource: ${text}`;
const noExecute = nodeOf({ taints: [{ key: "down", effect: "NoExecute" }] });
const affinity = "NodeAffinity Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
const ports = "NodePorts Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";

const cases: readonly [string, Pod, Partial<AdmissionView>, string | undefined][] = [
  ["fits", asks({ cpu: "2", memory: "1Gi" }), {}, undefined],
  [
    "asks for more CPU than is left",
    asks({ cpu: "1500m" }),
    { others: [asks({ cpu: "1" })] },
    lack("cpu, requested: 1500, used: 1000, capacity: 2000"),
  ],
  [
    "asks for more memory",
    asks({ memory: "2Gi" }),
    {},
    lack("memory, requested: 2147483648, used: 0, capacity: 1073741824"),
  ],
  [
    "asks for more disk",
    asks({ "ephemeral-storage": "11Gi" }),
    {},
    lack("ephemeral-storage, requested: 11811160064, used: 0, capacity: 10737418240"),
  ],
  [
    "asks for huge pages that are taken",
    asks({ "hugepages-2Mi": "4Mi" }),
    { others: [asks({ "hugepages-2Mi": "2Mi" })] },
    lack("hugepages-2Mi, requested: 4194304, used: 2097152, capacity: 4194304"),
  ],
  ["asks for what the cluster gives", asks({ "example.com/thing": "1" }), {}, undefined],
  [
    "is one too many",
    podOf(),
    { others: [podOf(), podOf(), podOf()] },
    lack("pods, requested: 1, used: 3, capacity: 3"),
  ],
  ["comes before the node's amounts are known", asks({ cpu: "9" }), { allocatable: {} }, undefined],
  ["asks for another node", withSpec({ nodeSelector: { disk: "slow" } }), {}, affinity],
  [
    "ran here before the label changed",
    podOf({ spec: { nodeSelector: { disk: "slow" } }, status: { startTime: "2026-01-01T00:00:00Z" } }),
    {},
    undefined,
  ],
  ["wants a port that is taken", port(80), { others: [port(80, "10.0.0.1")] }, ports],
  ["wants a port of another address", port(80, "10.0.0.2"), { others: [port(80, "10.0.0.1")] }, undefined],
  [
    "does not bear the node's taint",
    podOf(),
    { node: noExecute },
    "TaintToleration Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
  ],
  ["bears it", withSpec({ tolerations: [{ key: "down", operator: "Exists" }] }), { node: noExecute }, undefined],
  ["is best effort where memory is short", podOf(), { pressures: ["MemoryPressure"] }, evicted("MemoryPressure")],
  ["asks for some memory there", asks({ memory: "1Mi" }), { pressures: ["MemoryPressure"] }, undefined],
  [
    "bears that",
    withSpec({ tolerations: [{ key: "node.kubernetes.io/memory-pressure", operator: "Exists" }] }),
    { pressures: ["MemoryPressure"] },
    undefined,
  ],
  [
    "comes where the disk is short",
    asks({ memory: "1Mi" }),
    { pressures: ["MemoryPressure", "DiskPressure"] },
    evicted("MemoryPressure DiskPressure"),
  ],
  ["is critical there", withSpec({ priority: 2_000_000_000 }), { pressures: ["DiskPressure"] }, undefined],
  ["sets a sysctl of its own", sysctl("net.ipv4.tcp_syncookies"), {}, undefined],
  ["sets one with strokes", sysctl("net/ipv4/tcp_syncookies"), {}, undefined],
  [
    "sets one of others",
    sysctl("kernel.msgmax"),
    {},
    'SysctlForbidden forbidden sysctl: "kernel.msgmax" not allowlisted',
  ],
  ["sets one that is let be", sysctl("kernel.msgmax"), { unsafeSysctls: ["kernel.msg*"] }, undefined],
  [
    "sets one of the host",
    sysctl("net.ipv4.tcp_syncookies", { hostNetwork: true }),
    {},
    'SysctlForbidden forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  ],
  [
    "wants a profile of AppArmor",
    withSpec({ securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }),
    { hasAppArmor: false },
    "AppArmor Cannot enforce AppArmor: AppArmor is not enabled on the host",
  ],
  [
    "wants none",
    withSpec({ securityContext: { appArmorProfile: { type: "Unconfined" } } }),
    { hasAppArmor: false },
    undefined,
  ],
  [
    "is another system's",
    withSpec({ os: { name: "windows" } }),
    {},
    "PodOSNotSupported Failed to admit pod as the OS field doesn't match node OS",
  ],
  [
    "wants strict groups",
    withSpec({ securityContext: { supplementalGroupsPolicy: "Strict" } }),
    {},
    "SupplementalGroupsPolicyNotSupported SupplementalGroupsPolicy=Strict is not supported in this node",
  ],
];

describe("a pod", () => {
  it.each(cases)("that %s", (_, pod, changes, wanted) => {
    const rejection = admissionOf(pod, view(changes));
    expect(rejection && `${rejection.reason} ${rejection.message}`).toBe(wanted);
  });

  it("is not told that a label is wrong before the node was read anew", async () => {
    let labels = {};
    const client = { get: async () => nodeOf({}, labels) } as unknown as Client;
    const { allocatable, unsafeSysctls } = view();
    const options = {
      client,
      allocatable: () => allocatable,
      pressures: { current: [] },
      unsafeSysctls,
      hasAppArmor: true,
      preempt: () => expect.unreachable("there is room"),
    };
    const admission = openAdmission({ ...options, node: () => nodeOf() });
    const pod = withSpec({ nodeSelector: { zone: "a" } });
    expect((await admission.decide(pod, []))?.reason).toBe("NodeAffinity");
    labels = { zone: "a" };
    expect(await admission.decide(pod, [])).toBeUndefined();
  });
});
