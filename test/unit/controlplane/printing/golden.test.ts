/** Golden rows: an object, and the cells that upstream's printers show of it. */
import { describe, expect, it } from "vitest";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import type { ApiObject, Resource } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { isStored } from "../../../../src/controlplane/apiserver/routes.ts";
import { tableOf } from "../../../../src/controlplane/apiserver/printing/table.ts";

function resource(plural: string, group = ""): Resource {
  return builtIn.find((row) => row.plural === plural && row.group === group)!;
}

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const created = ago(300);

interface Table {
  readonly columnDefinitions: { readonly name: string; readonly description: string; readonly priority: number }[];
  readonly rows: { readonly cells: unknown[]; readonly conditions?: unknown }[];
}

function tableFor(plural: string, group: string, object: object): Table {
  const whole = { metadata: {}, ...object } as ApiObject;
  whole.metadata = { name: "x", creationTimestamp: created, ...whole.metadata };
  return tableOf(resource(plural, group), [whole], {}, "None") as Table;
}

const cells = (plural: string, group: string, object: object): unknown[] =>
  tableFor(plural, group, object).rows[0]!.cells;

const containers = [
  { name: "a", image: "one" },
  { name: "b", image: "two" },
];
const template = { metadata: { labels: { app: "x" } }, spec: { containers } };
const selector = { matchLabels: { app: "x" }, matchExpressions: [{ key: "tier", operator: "In", values: ["b", "a"] }] };

describe("each kind", () => {
  it.each<[string, string, object, unknown[]]>([
    [
      "deployments",
      "apps",
      { spec: { replicas: 3, selector, template }, status: { readyReplicas: 2, updatedReplicas: 1 } },
      ["x", "2/3", 1, 0, "5m", "a,b", "one,two", "app=x,tier in (a,b)"],
    ],
    [
      "replicasets",
      "apps",
      { spec: { replicas: 3, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
      ["x", 3, 2, 1, "5m", "a,b", "one,two", "app=x,tier in (a,b)"],
    ],
    ["statefulsets", "apps", { spec: { replicas: 2, template } }, ["x", "0/2", "5m", "a,b", "one,two"]],
    [
      "daemonsets",
      "apps",
      {
        spec: { template: { spec: { containers, nodeSelector: { disk: "ssd" } } } },
        status: { desiredNumberScheduled: 5, currentNumberScheduled: 4, numberReady: 3, updatedNumberScheduled: 2 },
      },
      ["x", 5, 4, 3, 2, 0, "disk=ssd", "5m", "a,b", "one,two", "<none>"],
    ],
    [
      "controllerrevisions",
      "apps",
      {
        metadata: { ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "db", controller: true }] },
        revision: 7,
      },
      ["x", "statefulset.apps/db", 7, "5m"],
    ],
    [
      "jobs",
      "batch",
      { spec: { completions: 4, template }, status: { succeeded: 1, startTime: ago(90) } },
      ["x", "Running", "1/4", "90s", "5m", "a,b", "one,two", "<none>"],
    ],
    [
      "jobs",
      "batch",
      { spec: { parallelism: 2, template }, status: { conditions: [{ type: "Suspended", status: "True" }] } },
      ["x", "Suspended", "0/1 of 2", "", "5m", "a,b", "one,two", "<none>"],
    ],
    [
      "cronjobs",
      "batch",
      {
        spec: { schedule: "* * * * *", suspend: false, jobTemplate: { spec: { template } } },
        status: { active: [{}] },
      },
      ["x", "* * * * *", "<none>", "False", 1, "<none>", "5m", "a,b", "one,two", "<none>"],
    ],
    [
      "services",
      "",
      {
        spec: {
          type: "LoadBalancer",
          clusterIP: "10.0.0.9",
          externalIPs: ["192.0.2.1"],
          ports: [
            { port: 80, nodePort: 30080, protocol: "TCP" },
            { port: 53, protocol: "UDP" },
          ],
          selector: { b: "2", a: "1" },
        },
        status: { loadBalancer: { ingress: [{ hostname: "lb.example.com" }] } },
      },
      ["x", "LoadBalancer", "10.0.0.9", "lb.example.com,192.0.2.1", "80:30080/TCP,53/UDP", "5m", "a=1,b=2"],
    ],
    [
      "services",
      "",
      { spec: { type: "LoadBalancer", clusterIP: "10.0.0.9" } },
      ["x", "LoadBalancer", "10.0.0.9", "<pending>", "<none>", "5m", "<none>"],
    ],
    [
      "services",
      "",
      { spec: { type: "ExternalName", externalName: "example.com" } },
      ["x", "ExternalName", "<none>", "example.com", "<none>", "5m", "<none>"],
    ],
    [
      "endpoints",
      "",
      {
        subsets: [
          { addresses: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }], ports: [{ port: 80 }] },
          { addresses: [{ ip: "10.0.0.2" }, { ip: "10.0.0.3" }] },
        ],
      },
      ["x", "10.0.0.1:80,[fd00::1]:80,10.0.0.2 + 1 more...", "5m"],
    ],
    [
      "endpointslices",
      "discovery.k8s.io",
      { addressType: "IPv4", ports: [{ port: 80 }, { name: "web" }, {}], endpoints: [{ addresses: ["10.0.0.1"] }] },
      ["x", "IPv4", "80,web,*", "10.0.0.1", "5m"],
    ],
    ["endpointslices", "discovery.k8s.io", { addressType: "IPv4" }, ["x", "IPv4", "<unset>", "<unset>", "5m"]],
    [
      "ingresses",
      "networking.k8s.io",
      {
        spec: { ingressClassName: "c", tls: [{}], rules: ["a", "b", "c", "d"].map((host) => ({ host })) },
        status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } },
      },
      ["x", "c", "a,b,c + 1 more...", "192.0.2.9", "80, 443", "5m"],
    ],
    [
      "ingressclasses",
      "networking.k8s.io",
      { spec: { controller: "example.com/c", parameters: { apiGroup: "g.io", kind: "P", name: "p" } } },
      ["x", "example.com/c", "P.g.io/p", "5m"],
    ],
    ["networkpolicies", "networking.k8s.io", { spec: { podSelector: {} } }, ["x", "<none>", "5m"]],
    [
      "ipaddresses",
      "networking.k8s.io",
      { spec: { parentRef: { group: "", resource: "services", namespace: "default", name: "web" } } },
      ["x", "services/default/web"],
    ],
    [
      "servicecidrs",
      "networking.k8s.io",
      { spec: { cidrs: ["10.0.0.0/16", "fd00::/112"] } },
      ["x", "10.0.0.0/16,fd00::/112", "5m"],
    ],
    ["namespaces", "", { status: { phase: "Active" } }, ["x", "Active", "5m"]],
    ["configmaps", "", { data: { a: "" }, binaryData: { b: "" } }, ["x", 2, "5m"]],
    ["secrets", "", { type: "Opaque", data: { a: "" } }, ["x", "Opaque", 1, "5m"]],
    ["serviceaccounts", "", {}, ["x", 0, "5m"]],
    [
      "persistentvolumes",
      "",
      {
        spec: {
          capacity: { storage: "5Gi" },
          accessModes: ["ReadWriteMany", "ReadWriteOnce"],
          persistentVolumeReclaimPolicy: "Retain",
          claimRef: { namespace: "n", name: "c" },
          storageClassName: "fast",
          volumeMode: "Block",
        },
        status: { phase: "Bound" },
      },
      ["x", "5Gi", "RWO,RWX", "Retain", "Bound", "n/c", "fast", "<unset>", "", "5m", "Block"],
    ],
    [
      "persistentvolumeclaims",
      "",
      { spec: { storageClassName: "fast" }, status: { phase: "Pending" } },
      ["x", "Pending", "", "", "", "fast", "<unset>", "5m", "<unset>"],
    ],
    [
      "storageclasses",
      "storage.k8s.io",
      { metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } }, provisioner: "p" },
      ["x (default)", "p", "Delete", "Immediate", false, "5m"],
    ],
    [
      "events",
      "",
      {
        type: "Warning",
        reason: "BackOff",
        message: " failed \n",
        involvedObject: { kind: "Pod", name: "web", fieldPath: "spec" },
        source: { component: "kubelet", host: "n" },
        firstTimestamp: ago(600),
        lastTimestamp: ago(60),
        count: 4,
      },
      ["60s", "Warning", "BackOff", "pod/web", "spec", "kubelet, n", "failed", "10m", 4, "x"],
    ],
    [
      "events",
      "events.k8s.io",
      {
        type: "Normal",
        reason: "R",
        note: "n",
        regarding: { kind: "Node" },
        eventTime: ago(30),
        reportingController: "c",
      },
      ["30s", "Normal", "R", "node", "", "c", "n", "30s", 1, "x"],
    ],
    [
      "horizontalpodautoscalers",
      "autoscaling",
      {
        spec: {
          scaleTargetRef: { kind: "Deployment", name: "web" },
          maxReplicas: 9,
          metrics: [
            { type: "Resource", resource: { name: "cpu", target: { averageUtilization: 80 } } },
            { type: "External", external: { target: { averageValue: "3" } } },
            { type: "Pods", pods: { target: { averageValue: "1" } } },
          ],
        },
        status: { currentReplicas: 2, currentMetrics: [{ resource: { current: { averageUtilization: 40 } } }] },
      },
      ["x", "Deployment/web", "cpu: 40%/80%, <unknown>/3 (avg) + 1 more...", "<unset>", 9, 2, "5m"],
    ],
    [
      "poddisruptionbudgets",
      "policy",
      { spec: { minAvailable: "50%" }, status: { disruptionsAllowed: 1 } },
      ["x", "50%", "N/A", 1, "5m"],
    ],
    [
      "rolebindings",
      "rbac.authorization.k8s.io",
      {
        roleRef: { kind: "Role", name: "r" },
        subjects: [
          { kind: "User", name: "u" },
          { kind: "Group", name: "g" },
          { kind: "ServiceAccount", namespace: "n", name: "s" },
        ],
      },
      ["x", "Role/r", "5m", "u", "g", "n/s"],
    ],
    ["roles", "rbac.authorization.k8s.io", {}, ["x", created]],
    ["limitranges", "", {}, ["x", created]],
    ["customresourcedefinitions", "apiextensions.k8s.io", {}, ["x", created]],
    ["leases", "coordination.k8s.io", { spec: { holderIdentity: "h" } }, ["x", "h", "5m"]],
    ["priorityclasses", "scheduling.k8s.io", { value: 10, preemptionPolicy: "Never" }, ["x", 10, false, "5m", "Never"]],
    ["runtimeclasses", "node.k8s.io", { handler: "runc" }, ["x", "runc", "5m"]],
    [
      "certificatesigningrequests",
      "certificates.k8s.io",
      {
        spec: { signerName: "s", username: "u", expirationSeconds: 3600 },
        status: { conditions: [{ type: "Approved" }], certificate: "YQ==" },
      },
      ["x", "5m", "s", "u", "60m", "Approved,Issued"],
    ],
    [
      "resourcequotas",
      "",
      { status: { hard: { pods: "10", "limits.cpu": "2", cpu: "1" }, used: { pods: "3" } } },
      ["x", "cpu: 0/1, pods: 3/10", "limits.cpu: 0/2", "5m"],
    ],
    [
      "componentstatuses",
      "",
      { conditions: [{ type: "Healthy", status: "True", message: "ok" }] },
      ["x", "Healthy", "ok", ""],
    ],
    ["podtemplates", "", { template }, ["x", "a,b", "one,two", "app=x"]],
    [
      "replicationcontrollers",
      "",
      { spec: { replicas: 1, selector: { a: "b" }, template } },
      ["x", 1, 0, 0, "5m", "a,b", "one,two", "a=b"],
    ],
    ["csinodes", "storage.k8s.io", { spec: { drivers: [{}, {}] } }, ["x", 2, "5m"]],
    [
      "csidrivers",
      "storage.k8s.io",
      { spec: { volumeLifecycleModes: ["Persistent", "Ephemeral"] } },
      ["x", true, false, false, "<unset>", false, "Persistent,Ephemeral", "5m"],
    ],
    ["csistoragecapacities", "storage.k8s.io", { storageClassName: "fast", capacity: "1Gi" }, ["x", "fast", "1Gi"]],
    [
      "volumeattachments",
      "storage.k8s.io",
      { spec: { attacher: "a", nodeName: "n", source: { persistentVolumeName: "pv" } }, status: { attached: true } },
      ["x", "a", "pv", "n", true, "5m"],
    ],
  ])("%s.%s", (plural, group, object, expected) => {
    expect(cells(plural, group, object)).toEqual(expected);
  });

  it.each(builtIn.filter((row) => isStored(row)).map((row) => [`${row.plural}.${row.group}`, row] as const))(
    "%s is printed from an object that says nothing, with described columns",
    (_name, row) => {
      const table = tableFor(row.plural, row.group, {});
      expect(table.rows[0]!.cells.length).toBe(table.columnDefinitions.length);
      for (const column of table.columnDefinitions) expect(column.description, column.name).not.toBe("");
    },
  );

  it("says of its fields what the API says", () => {
    const column = tableFor("pods", "", {}).columnDefinitions.find((found) => found.name === "Node");
    expect(column).toMatchObject({
      priority: 1,
      description: expect.stringMatching(/^NodeName indicates in which node/),
    });
  });
});
