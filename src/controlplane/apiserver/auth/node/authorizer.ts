/** What a node may do: its own objects, and what its pods need (plugin/pkg/auth/authorizer/node). */
import { selectedValue, type Attributes, type Authorizer, type Decision } from "../authorizer.ts";
import { ruleAllows, type PolicyRule } from "../rbac/rules.ts";
import type { NodeGraph, ReferenceKind } from "./graph.ts";
import { nodeOf } from "./identity.ts";

const allow: Decision = { decision: "allow", reason: "" };
const leaseNamespace = "kube-node-lease";

type Question = (graph: NodeGraph, node: string, asked: Attributes) => Decision;

/** Resources that are subdivided by node; all others follow the rules of the role system:node. */
const questions: Readonly<Record<string, Question>> = {
  secrets: (graph, node, asked) => readNamespaced(graph, node, "secrets", asked),
  configmaps: (graph, node, asked) => readNamespaced(graph, node, "configmaps", asked),
  persistentvolumeclaims: claim,
  persistentvolumes: (graph, node, asked) =>
    readOne(asked) ?? related(node, asked, graph.isVolumeRelated(node, asked.name)),
  "volumeattachments.storage.k8s.io": (graph, node, asked) =>
    readOne(asked) ?? related(node, asked, graph.isAttachmentOf(node, asked.name)),
  "resourceclaims.resource.k8s.io": (graph, node, asked) => readOwn(graph, node, "resourceclaims", asked),
  serviceaccounts: token,
  "leases.coordination.k8s.io": lease,
  "csinodes.storage.k8s.io": csiNode,
  nodes: (_graph, node, asked) => ownNode(node, asked),
  pods: pod,
};

/** @param rules of the role system:node */
export function nodeAuthorizer(graph: NodeGraph, rules: readonly PolicyRule[]): Authorizer {
  return {
    authorize(asked) {
      const node = nodeOf(asked.user);
      if (node === undefined) return no("");
      if (node === "") return no(`unknown node for user "${asked.user.name}"`);
      const key = asked.group === "" ? asked.resource : `${asked.resource}.${asked.group}`;
      const question = asked.path === undefined ? questions[key] : undefined;
      if (question) return question(graph, node, asked);
      return rules.some((rule) => ruleAllows(rule, asked)) ? allow : no("");
    },
    rulesFor: (user) => ({
      resourceRules: [],
      nonResourceRules: [],
      ...(nodeOf(user) === undefined ? {} : { incomplete: "node authorizer does not support user rule resolution" }),
    }),
  };
}

function no(reason: string): Decision {
  return { decision: "no opinion", reason };
}

/** @returns undefined where one object is read, without a subresource */
function readOne({ verb, subresource }: Attributes): Decision | undefined {
  if (verb !== "get") return no("can only get individual resources of this type");
  return subresource === "" ? undefined : no("cannot get subresource");
}

function readOwn(graph: NodeGraph, node: string, kind: ReferenceKind, asked: Attributes): Decision {
  const { namespace, name } = asked;
  return readOne(asked) ?? related(node, asked, graph.isRelated(node, kind, namespace, name));
}

function readNamespaced(graph: NodeGraph, node: string, kind: ReferenceKind, asked: Attributes): Decision {
  const { verb, subresource, namespace, name } = asked;
  if (verb !== "get" && verb !== "list" && verb !== "watch") return no("can only read resources of this type");
  if (subresource !== "") return no("cannot read subresource");
  if (namespace === "") return no("can only read namespaced object of this type");
  return related(node, asked, graph.isRelated(node, kind, namespace, name));
}

function related(node: string, { name }: Attributes, isRelated: boolean): Decision {
  if (name === "") return no("No Object name found");
  return isRelated ? allow : no(`no relationship found between node '${node}' and this object`);
}

function claim(graph: NodeGraph, node: string, asked: Attributes): Decision {
  if (asked.subresource !== "status") return readOwn(graph, node, "persistentvolumeclaims", asked);
  const { verb, namespace, name } = asked;
  if (verb !== "update" && verb !== "patch") return no("can only get/update/patch this type");
  return related(node, asked, graph.isRelated(node, "persistentvolumeclaims", namespace, name));
}

function token(graph: NodeGraph, node: string, asked: Attributes): Decision {
  const { verb, subresource, namespace, name } = asked;
  if (verb !== "create" || name === "") return no("can only create tokens for individual service accounts");
  if (subresource !== "token") return no("can only create token subresource of serviceaccount");
  return related(node, asked, graph.isRelated(node, "serviceaccounts", namespace, name));
}

const ownObjectVerbs: readonly string[] = ["get", "create", "update", "patch", "delete"];

/** A create's name is not known here: NodeRestriction looks at it. */
function lease(_graph: NodeGraph, node: string, { verb, namespace, name }: Attributes): Decision {
  if (!ownObjectVerbs.includes(verb)) return no("can only get, create, update, patch, or delete a node lease");
  if (namespace !== leaseNamespace) return no(`can only access leases in the "${leaseNamespace}" system namespace`);
  if (verb !== "create" && name !== node) {
    return no("can only access node lease with the same name as the requesting node");
  }
  return allow;
}

function csiNode(_graph: NodeGraph, node: string, { verb, subresource, name }: Attributes): Decision {
  if (!ownObjectVerbs.includes(verb)) return no("can only get, create, update, patch, or delete a CSINode");
  if (subresource !== "") return no("cannot authorize CSINode subresources");
  if (verb !== "create" && name !== node) {
    return no("can only access CSINode with the same name as the requesting node");
  }
  return allow;
}

/** Reading is a matter of the name alone: a node looks for its object before there is one. */
function ownNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (subresource === "status") return verb === "update" || verb === "patch" ? allow : no("");
  if (subresource !== "") return no("");
  if (verb === "create" || verb === "update" || verb === "patch") return allow;
  if (verb !== "get" && verb !== "list" && verb !== "watch") return no("");
  if (name === node) return allow;
  if (name === "") return no(`node '${node}' cannot read all nodes, only its own Node object`);
  return no(`node '${node}' cannot read '${name}', only its own Node object`);
}

/** Whose pods are written is for NodeRestriction to see. */
function pod(graph: NodeGraph, node: string, asked: Attributes): Decision {
  const { verb, subresource } = asked;
  if (subresource === "status") return verb === "update" || verb === "patch" ? allow : no("");
  if (subresource === "eviction") return verb === "create" ? allow : no("");
  if (subresource !== "") return no("");
  if (verb === "create" || verb === "delete") return allow;
  if (verb === "get") return readOwn(graph, node, "pods", asked);
  if (verb !== "list" && verb !== "watch") return no("");
  if (selectedValue(asked.fieldSelector ?? "", "spec.nodeName") === node) return allow;
  if (asked.name !== "") {
    return related(node, asked, graph.isRelated(node, "pods", asked.namespace, asked.name));
  }
  return no("can only list/watch pods with spec.nodeName field selector");
}
