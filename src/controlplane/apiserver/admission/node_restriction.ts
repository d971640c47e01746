/** NodeRestriction: a node writes what is its own, and says nothing of itself that would draw others' pods. */
import { isDeepStrictEqual } from "node:util";
import type { Lookup } from "../auth/lookup.ts";
import { nodeOf } from "../auth/node/identity.ts";
import { podReferences } from "../auth/pod_references.ts";
import type { ApiObject } from "../resources/resource.ts";
import { notFound, qualified } from "../status.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isKubeletLabel } from "./kubelet_labels.ts";
import { isMirrorPod, specOf } from "./pod_spec.ts";
import { refused } from "./refusal.ts";

const leaseNamespace = "kube-node-lease";
const pods = { group: "", plural: "pods", kind: "Pod" };

type Check = (request: AdmissionRequest, node: string) => void;

export class NodeRestriction implements AdmissionPlugin {
  readonly name = "NodeRestriction";
  readonly #lookup: Lookup;
  readonly #checks: Readonly<Record<string, Check>>;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
    this.#checks = {
      pods: (request, node) => this.#pod(request, node),
      nodes: checkNode,
      persistentvolumeclaims: checkClaim,
      serviceaccounts: (request, node) => this.#token(request, node),
      "leases.coordination.k8s.io": checkLease,
      "csinodes.storage.k8s.io": checkCsiNode,
    };
  }

  /** Before defaults of other plug-ins: a mirror pod has no account, and gets none. */
  admit(request: AdmissionRequest): void {
    if (request.operation !== "DELETE") this.#check(request);
  }

  /** Deletions come here alone. */
  validate(request: AdmissionRequest): void {
    if (request.operation === "DELETE") this.#check(request);
  }

  #check(request: AdmissionRequest): void {
    const node = nodeOf(request.user);
    if (node === undefined) return;
    if (node === "") throw refused(request, `could not determine node from user "${request.user.name}"`);
    this.#checks[qualified(request.resource)]?.(request, node);
  }

  #pod(request: AdmissionRequest, node: string): void {
    switch (request.subresource) {
      case "":
        if (request.operation === "CREATE") return this.#mirrorPod(request, node);
        if (request.operation === "DELETE") return checkPodDeletion(request, node);
        throw refused(
          request,
          `unexpected operation "${request.operation}", node "${node}" can only create and delete mirror pods`,
        );
      case "status":
        return checkPodStatus(request, node);
      case "eviction":
        return this.#eviction(request, node);
      default:
        throw refused(
          request,
          `unexpected pod subresource "${request.subresource}", only 'status' and 'eviction' are allowed`,
        );
    }
  }

  #mirrorPod(request: AdmissionRequest, node: string): void {
    const pod = request.object!;
    if (!isMirrorPod(pod)) {
      throw refused(
        request,
        `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`,
      );
    }
    if (specOf(pod).nodeName !== node) {
      throw refused(request, `node "${node}" can only create pods with spec.nodeName set to itself`);
    }
    this.#owner(request, node);
    const forbidden = referenceOf(pod);
    if (forbidden) throw refused(request, `node "${node}" can not create pods that reference ${forbidden}`);
  }

  #owner(request: AdmissionRequest, node: string): void {
    const owners = request.object!.metadata.ownerReferences ?? [];
    const can = `node "${node}" can only create pods with`;
    const [owner] = owners;
    if (owners.length > 1) throw refused(request, `${can} a single owner reference set to itself`);
    if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node) {
      throw refused(request, `${can} an owner reference set to itself`);
    }
    if (!owner.controller) throw refused(request, `${can} a controller owner reference set to itself`);
    if (owner.blockOwnerDeletion) {
      throw refused(request, `node "${node}" must not set blockOwnerDeletion on an owner reference`);
    }
    const found = this.#lookup.get("nodes", "", node);
    if (!found) throw notFound({ group: "", plural: "nodes", kind: "Node" }, node);
    if (found.metadata.uid !== owner.uid) {
      throw refused(request, `node ${node} UID mismatch: expected ${owner.uid} got ${found.metadata.uid ?? ""}`);
    }
  }

  #eviction(request: AdmissionRequest, node: string): void {
    const { operation, namespace, name } = request;
    if (operation !== "CREATE") throw refused(request, `unexpected operation ${operation}`);
    const pod = this.#lookup.get("pods", namespace, name);
    if (!pod) throw notFound(pods, name);
    if (specOf(pod).nodeName !== node) {
      throw refused(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
    }
  }

  #token(request: AdmissionRequest, node: string): void {
    if (request.operation !== "CREATE" || request.subresource !== "token") return;
    const { boundObjectRef: ref } = (request.object!["spec"] ?? {}) as {
      boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string };
    };
    if (ref?.apiVersion !== "v1" || ref.kind !== "Pod" || !ref.name) {
      throw refused(request, "node requested token not bound to a pod");
    }
    if (!ref.uid) throw refused(request, "node requested token with a pod binding without a uid");
    const pod = this.#lookup.get("pods", request.namespace, ref.name);
    if (!pod) throw notFound(pods, ref.name);
    if (pod.metadata.uid !== ref.uid) {
      throw refused(
        request,
        `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    }
    if (specOf(pod).nodeName !== node) {
      throw refused(request, "node requested token bound to a pod scheduled on a different node");
    }
  }
}

/** @returns what kind of object a pod names that a node's own may not */
function referenceOf(pod: ApiObject): string | undefined {
  const { serviceAccount, secrets, configMaps, claims, hasClusterTrustBundle } = podReferences(pod);
  if (serviceAccount) return "a service account";
  if (secrets.size > 0) return "secrets";
  if (configMaps.size > 0) return "configmaps";
  if (hasClusterTrustBundle) return "clustertrustbundles";
  return claims.size > 0 ? "persistentvolumeclaims" : undefined;
}

function checkPodDeletion(request: AdmissionRequest, node: string): void {
  if (specOf(request.old!).nodeName !== node) {
    throw refused(request, `node "${node}" can only delete pods with spec.nodeName set to itself`);
  }
}

function checkPodStatus(request: AdmissionRequest, node: string): void {
  const { operation, object, old } = request;
  if (operation !== "UPDATE") throw refused(request, `unexpected operation "${operation}"`);
  if (specOf(old!).nodeName !== node) {
    throw refused(request, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`);
  }
  if (!isDeepStrictEqual(old!.metadata.labels ?? {}, object!.metadata.labels ?? {})) {
    throw refused(request, `node "${node}" cannot update labels through pod status`);
  }
  const claimsOf = (pod: ApiObject): unknown =>
    (pod["status"] as { resourceClaimStatuses?: unknown } | undefined)?.resourceClaimStatuses ?? [];
  if (!isDeepStrictEqual(claimsOf(old!), claimsOf(object!))) {
    throw refused(request, `node "${node}" cannot update resource claim statues`);
  }
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { operation, name, object, old } = request;
  if (name !== node) throw refused(request, `node "${node}" is not allowed to modify node "${name}"`);
  if (operation === "DELETE") return;
  if (operation === "UPDATE" && !isDeepStrictEqual(taintsOf(object!), taintsOf(old!))) {
    throw refused(request, `node "${node}" is not allowed to modify taints`);
  }
  const labels = forbiddenLabels(object!.metadata.labels ?? {}, old?.metadata.labels ?? {}).join(", ");
  if (labels === "") return;
  if (operation === "CREATE") {
    throw refused(request, `node "${node}" is not allowed to set the following labels: ${labels}`);
  }
  throw refused(request, `is not allowed to modify labels: ${labels}`);
}

function taintsOf(node: ApiObject): unknown {
  return (node["spec"] as { taints?: unknown[] } | undefined)?.taints ?? [];
}

/** Labels that differ, of those that would let a node choose the pods that come to it. */
function forbiddenLabels(now: Record<string, string>, before: Record<string, string>): string[] {
  const changed = new Set([...Object.keys(now), ...Object.keys(before)].filter((key) => now[key] !== before[key]));
  return [...changed].filter((key) => !isKubeletLabel(key)).sort();
}

function checkClaim(request: AdmissionRequest, node: string): void {
  const { operation, subresource, object, old } = request;
  if (subresource !== "status") throw refused(request, "may only update PVC status");
  if (operation !== "UPDATE") throw refused(request, `unexpected operation "${operation}"`);
  if (isDeepStrictEqual(withoutSizes(object!), withoutSizes(old!))) return;
  throw refused(
    request,
    `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`,
  );
}

/** A claim without what a node may change of it. */
function withoutSizes(claim: ApiObject): object {
  const { resourceVersion: _, managedFields: __, ...metadata } = claim.metadata;
  const status = { ...(claim["status"] as Record<string, unknown> | undefined) };
  for (const field of ["capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"])
    delete status[field];
  return { spec: claim["spec"], metadata, status };
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== leaseNamespace) {
    throw refused(request, `can only access leases in the "${leaseNamespace}" system namespace`);
  }
  checkOwnName(request, node, "can only access node lease with the same name as the requesting node");
}

function checkCsiNode(request: AdmissionRequest, node: string): void {
  checkOwnName(request, node, "can only access CSINode with the same name as the requesting node");
}

function checkOwnName(request: AdmissionRequest, node: string, why: string): void {
  if (request.name !== node) throw refused(request, why);
}
