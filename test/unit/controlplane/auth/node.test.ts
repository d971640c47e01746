/** Nodes: what they may ask for, and what they may write. */
import { describe, expect, it } from "vitest";
import { NodeRestriction } from "../../../../src/controlplane/apiserver/admission/node_restriction.ts";
import type { AdmissionRequest } from "../../../../src/controlplane/apiserver/admission/admission.ts";
import { selectedValue, type Attributes } from "../../../../src/controlplane/apiserver/auth/authorizer.ts";
import { nodeAuthorizer } from "../../../../src/controlplane/apiserver/auth/node/authorizer.ts";
import { NodeGraph } from "../../../../src/controlplane/apiserver/auth/node/graph.ts";
import { nodeRole } from "../../../../src/controlplane/apiserver/bootstrap/policy/component_roles.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import { fakeLookup, namespaced, object } from "../../../fixtures/objects.ts";

const podSpec = {
  nodeName: "n1",
  serviceAccountName: "robot",
  imagePullSecrets: [{ name: "pull" }],
  containers: [
    {
      name: "c",
      env: [{ valueFrom: { secretKeyRef: { name: "env" } } }, { valueFrom: { configMapKeyRef: { name: "env-map" } } }],
      envFrom: [{ secretRef: { name: "env-from" } }, { configMapRef: { name: "env-from-map" } }],
    },
  ],
  initContainers: [{ name: "i", envFrom: [{ secretRef: { name: "init" } }] }],
  volumes: [
    { name: "a", secret: { secretName: "volume" } },
    { name: "b", configMap: { name: "volume-map" } },
    {
      name: "c",
      projected: { sources: [{ secret: { name: "projected" } }, { configMap: { name: "projected-map" } }] },
    },
    { name: "d", persistentVolumeClaim: { claimName: "claim" } },
    { name: "e", ephemeral: {} },
    { name: "f", csi: { nodePublishSecretRef: { name: "driver" } } },
  ],
};
const pod = namespaced("Pod", "web", { spec: podSpec });

function cluster() {
  const lookup = fakeLookup({
    nodes: [object("Node", "n1"), object("Node", "n2")],
    pods: [
      pod,
      namespaced("Pod", "other", {
        spec: { nodeName: "n2", volumes: [{ name: "a", secret: { secretName: "theirs" } }] },
      }),
      namespaced("Pod", "waiting", { spec: { volumes: [{ name: "a", secret: { secretName: "later" } }] } }),
      namespaced(
        "Pod",
        "mirror",
        { spec: { nodeName: "n1", volumes: [{ name: "a", secret: { secretName: "stolen" } }] } },
        { annotations: { "kubernetes.io/config.mirror": "x" } },
      ),
    ],
    persistentvolumeclaims: [namespaced("PersistentVolumeClaim", "claim", { spec: { volumeName: "pv" } })],
    persistentvolumes: [
      object("PersistentVolume", "pv", {
        spec: {
          claimRef: { namespace: "ns", name: "claim" },
          csi: { nodeStageSecretRef: { name: "stage", namespace: "vault" } },
        },
      }),
      object("PersistentVolume", "free", { spec: {} }),
    ],
    "storage.k8s.io/volumeattachments": [object("VolumeAttachment", "va", { spec: { nodeName: "n1" } })],
  });
  return { lookup, authorizer: nodeAuthorizer(new NodeGraph(lookup), nodeRole.rules) };
}

const node = (name: string) => ({ name: `system:node:${name}`, groups: ["system:nodes", "system:authenticated"] });

/** "get pods/status ns/web" or "list pods.group -n ns" */
function ask(question: string, user = node("n1"), fieldSelector?: string): Attributes {
  const [verb = "", what = "", where = ""] = question.split(" ");
  const [resourceAndGroup = "", subresource = ""] = what.split("/");
  const [resource = "", ...group] = resourceAndGroup.split(".");
  const [namespace = "", name = ""] = where.includes("/") ? where.split("/") : ["", where];
  return {
    user,
    verb,
    group: group.join("."),
    version: "v1",
    resource,
    subresource,
    namespace,
    name,
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

const unrelated = "no relationship found between node 'n1' and this object";
const decide = (question: Attributes) => {
  const { decision, reason } = cluster().authorizer.authorize(question) as { decision: string; reason: string };
  return decision === "allow" ? "allow" : reason;
};

describe("the Node authorizer", () => {
  const allowed = [
    ...["pull", "env", "env-from", "init", "volume", "projected", "driver"].map((name) => `get secrets ns/${name}`),
    ...["env-map", "env-from-map", "volume-map", "projected-map"].map((name) => `get configmaps ns/${name}`),
    "watch secrets ns/volume",
    "list configmaps ns/volume-map",
    "get secrets vault/stage",
    "get persistentvolumeclaims ns/claim",
    "get persistentvolumeclaims ns/web-e",
    "update persistentvolumeclaims/status ns/claim",
    "get persistentvolumes pv",
    "get volumeattachments.storage.k8s.io va",
    "create serviceaccounts/token ns/robot",
    "update leases.coordination.k8s.io kube-node-lease/n1",
    "create leases.coordination.k8s.io kube-node-lease/",
    "patch csinodes.storage.k8s.io n1",
    "get nodes n1",
    "watch nodes n1",
    "patch nodes/status n1",
    "create nodes",
    "get pods ns/web",
    "patch pods/status ns/web",
    "create pods/eviction ns/web",
    "delete pods ns/web",
    "list services",
    "create certificatesigningrequests.certificates.k8s.io",
    "create subjectaccessreviews.authorization.k8s.io",
  ];
  it.each(allowed)("lets a node %s", (question) => {
    expect(decide(ask(question))).toBe("allow");
  });

  it.each([
    ["get secrets ns/theirs", unrelated],
    ["get secrets ns/later", unrelated],
    ["get secrets ns/stolen", unrelated],
    ["get secrets other/volume", unrelated],
    ["list secrets ns/", "No Object name found"],
    ["list secrets", "can only read namespaced object of this type"],
    ["update secrets ns/volume", "can only read resources of this type"],
    ["get configmaps ns/volume", unrelated],
    ["list persistentvolumeclaims ns/claim", "can only get individual resources of this type"],
    ["get persistentvolumes free", unrelated],
    ["create serviceaccounts/token ns/other", unrelated],
    ["get serviceaccounts ns/robot", "can only create tokens for individual service accounts"],
    [
      "update leases.coordination.k8s.io kube-node-lease/n2",
      "can only access node lease with the same name as the requesting node",
    ],
    ["get leases.coordination.k8s.io ns/n1", 'can only access leases in the "kube-node-lease" system namespace'],
    ["get csinodes.storage.k8s.io n2", "can only access CSINode with the same name as the requesting node"],
    ["get nodes n2", "node 'n1' cannot read 'n2', only its own Node object"],
    ["list nodes", "node 'n1' cannot read all nodes, only its own Node object"],
    ["delete nodes n1", ""],
    ["get pods ns/other", unrelated],
    ["list pods", "can only list/watch pods with spec.nodeName field selector"],
    ["update pods ns/web", ""],
    ["delete services ns/x", ""],
  ])("keeps a node from: %s", (question, reason) => {
    expect(decide(ask(question))).toBe(reason);
  });

  it("lets a node list the pods that are its own", () => {
    expect(decide(ask("list pods", node("n1"), "spec.nodeName=n1"))).toBe("allow");
    expect(decide(ask("list pods", node("n1"), "spec.nodeName=n2"))).not.toBe("allow");
    expect(decide(ask("list pods", node("n1"), "spec.nodeName!=n1"))).not.toBe("allow");
  });

  it("has no opinion on others", () => {
    expect(decide(ask("get secrets ns/volume", { name: "jane", groups: [] }))).toBe("");
    expect(decide(ask("get secrets ns/volume", { name: "system:node:n1", groups: [] }))).toBe("");
    expect(decide(ask("list services", { name: "system:node:", groups: ["system:nodes"] }))).toBe(
      'unknown node for user "system:node:"',
    );
  });

  it("forgets what no pod refers to any more", () => {
    const { lookup, authorizer } = cluster();
    const question = ask("get secrets ns/volume");
    const twin = namespaced("Pod", "twin", { spec: podSpec });
    const allows = () => (authorizer.authorize(question) as { decision: string }).decision === "allow";
    lookup.put("pods", twin);
    lookup.remove("pods", pod);
    expect(allows()).toBe(true);
    lookup.put("pods", namespaced("Pod", "twin", { spec: { nodeName: "n1" } }));
    expect(allows()).toBe(false);
  });
});

it.each([
  ["a=b", "a", "b"],
  ["x!=y,a==b", "a", "b"],
  ["a!=b", "a", undefined],
  ["aa=b", "a", undefined],
  ["a=", "a", ""],
])("the field selector %s requires of %s: %s", (selector, field, value) => {
  expect(selectedValue(selector, field)).toBe(value);
});

describe("NodeRestriction", () => {
  const { lookup } = cluster();
  const plugin = new NodeRestriction(lookup);
  const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid: "uid-n1", controller: true };
  const mirror = (spec: object, metadata: object = {}): ApiObject =>
    namespaced(
      "Pod",
      "static",
      { spec: { nodeName: "n1", ...spec } },
      {
        annotations: { "kubernetes.io/config.mirror": "x" },
        ownerReferences: [owner],
        ...metadata,
      },
    );
  const refusal = (
    operation: AdmissionRequest["operation"],
    what: string,
    now: ApiObject | undefined,
    old?: ApiObject,
    user = node("n1"),
  ): string => {
    const [plural = "", subresource = ""] = what.split("/");
    const { namespace = "", name = "" } = (now ?? old)!.metadata;
    const request: AdmissionRequest = {
      operation,
      resource: builtIn.find((row) => row.plural === plural)!,
      subresource,
      namespace,
      name: subresource === "token" ? "robot" : name,
      object: now,
      old,
      user,
      dryRun: false,
      warnings: [],
    };
    try {
      plugin.admit(request);
      plugin.validate(request);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const token = (ref: object) =>
    namespaced("TokenRequest", "robot", { spec: { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...ref } } });
  const labelled = (labels: object, rest: object = {}) => object("Node", "n1", rest, { labels });

  it.each<[string, string, AdmissionRequest["operation"], string, ApiObject | undefined, ApiObject?]>([
    ["its mirror pod", "", "CREATE", "pods", mirror({})],
    [
      "a pod that is no mirror",
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
      "CREATE",
      "pods",
      mirror({}, { annotations: {} }),
    ],
    [
      "another's mirror pod",
      'node "n1" can only create pods with spec.nodeName set to itself',
      "CREATE",
      "pods",
      mirror({ nodeName: "n2" }),
    ],
    [
      "an orphan",
      'node "n1" can only create pods with an owner reference set to itself',
      "CREATE",
      "pods",
      mirror({}, { ownerReferences: [] }),
    ],
    [
      "a pod of two",
      'node "n1" can only create pods with a single owner reference set to itself',
      "CREATE",
      "pods",
      mirror({}, { ownerReferences: [owner, owner] }),
    ],
    [
      "a pod of an older self",
      "node n1 UID mismatch: expected x got uid-n1",
      "CREATE",
      "pods",
      mirror({}, { ownerReferences: [{ ...owner, uid: "x" }] }),
    ],
    [
      "a mirror pod with a secret",
      'node "n1" can not create pods that reference secrets',
      "CREATE",
      "pods",
      mirror({ volumes: [{ name: "v", secret: { secretName: "s" } }] }),
    ],
    [
      "a mirror pod with a claim",
      'node "n1" can not create pods that reference persistentvolumeclaims',
      "CREATE",
      "pods",
      mirror({ volumes: [{ name: "v", persistentVolumeClaim: { claimName: "s" } }] }),
    ],
    ["the end of its pod", "", "DELETE", "pods", undefined, pod],
    [
      "the end of another's pod",
      'node "n1" can only delete pods with spec.nodeName set to itself',
      "DELETE",
      "pods",
      undefined,
      namespaced("Pod", "other", { spec: { nodeName: "n2" } }),
    ],
    ["its pod's status", "", "UPDATE", "pods/status", pod, pod],
    [
      "labels by a status",
      'node "n1" cannot update labels through pod status',
      "UPDATE",
      "pods/status",
      { ...pod, metadata: { ...pod.metadata, labels: { a: "b" } } },
      pod,
    ],
    ["itself", "", "CREATE", "nodes", labelled({ "kubernetes.io/os": "linux", "node.kubernetes.io/x": "y", own: "z" })],
    ["another node", 'node "n1" is not allowed to modify node "n2"', "CREATE", "nodes", object("Node", "n2")],
    [
      "labels that are not its own",
      'node "n1" is not allowed to set the following labels: node-role.kubernetes.io/x, x.node-restriction.kubernetes.io/y',
      "CREATE",
      "nodes",
      labelled({ "x.node-restriction.kubernetes.io/y": "", "node-role.kubernetes.io/x": "" }),
    ],
    [
      "a change of such labels",
      "is not allowed to modify labels: node-restriction.kubernetes.io/a",
      "UPDATE",
      "nodes",
      labelled({}),
      labelled({ "node-restriction.kubernetes.io/a": "b" }),
    ],
    [
      "a change of taints",
      'node "n1" is not allowed to modify taints',
      "UPDATE",
      "nodes",
      labelled({}, { spec: {} }),
      labelled({}, { spec: { taints: [{ key: "k" }] } }),
    ],
    ["its lease", "", "CREATE", "leases", namespaced("Lease", "n1", {}, { namespace: "kube-node-lease" })],
    [
      "another's lease",
      "can only access node lease with the same name as the requesting node",
      "CREATE",
      "leases",
      namespaced("Lease", "n2", {}, { namespace: "kube-node-lease" }),
    ],
    [
      "another's CSINode",
      "can only access CSINode with the same name as the requesting node",
      "CREATE",
      "csinodes",
      object("CSINode", "n2"),
    ],
    ["a token for its pod", "", "CREATE", "serviceaccounts/token", token({ name: "web", uid: "uid-web" })],
    [
      "a token for no pod",
      "node requested token not bound to a pod",
      "CREATE",
      "serviceaccounts/token",
      token({ kind: "Secret" }),
    ],
    [
      "a token for whichever pod",
      "node requested token with a pod binding without a uid",
      "CREATE",
      "serviceaccounts/token",
      token({ name: "web" }),
    ],
    [
      "a token for another's pod",
      "node requested token bound to a pod scheduled on a different node",
      "CREATE",
      "serviceaccounts/token",
      token({ name: "other", uid: "uid-other" }),
    ],
    [
      "a claim",
      "may only update PVC status",
      "UPDATE",
      "persistentvolumeclaims",
      namespaced("PersistentVolumeClaim", "claim"),
      namespaced("PersistentVolumeClaim", "claim"),
    ],
    [
      "a claim's size",
      "",
      "UPDATE",
      "persistentvolumeclaims/status",
      namespaced("PersistentVolumeClaim", "claim", { status: { capacity: { storage: "1Gi" } } }),
      namespaced("PersistentVolumeClaim", "claim"),
    ],
    [
      "a claim's phase",
      /is not allowed to update fields other than/ as unknown as string,
      "UPDATE",
      "persistentvolumeclaims/status",
      namespaced("PersistentVolumeClaim", "claim", { status: { phase: "Lost" } }),
      namespaced("PersistentVolumeClaim", "claim"),
    ],
  ])("of a node that writes %s: %s", (_what, why, operation, what, now, old) => {
    const said = refusal(operation, what, now, old);
    if (why === "") expect(said).toBe("");
    else if (typeof why === "string") expect(said).toContain(`is forbidden: ${why}`);
    else expect(said).toMatch(why);
  });

  it("is not about others", () => {
    expect(refusal("CREATE", "nodes", object("Node", "n2"), undefined, { name: "jane", groups: [] })).toBe("");
  });
});
