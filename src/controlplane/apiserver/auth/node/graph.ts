/**
 * What belongs to a node: the pods that are bound to it, and what those refer to (the Node
 * authorizer's graph, plugin/pkg/auth/authorizer/node/graph.go). Kept as references that are counted
 * by node; volumes are looked up when they are asked for.
 */
import type { ApiObject } from "../../resources/resource.ts";
import type { Follower, Lookup } from "../lookup.ts";
import { podReferences } from "../pod_references.ts";

export type ReferenceKind =
  "pods" | "secrets" | "configmaps" | "serviceaccounts" | "persistentvolumeclaims" | "resourceclaims";

const mirrorAnnotation = "kubernetes.io/config.mirror";

export class NodeGraph {
  readonly #lookup: Lookup;
  /** How many pods of a node refer to a thing: `kind/namespace/name` → node → count. */
  readonly #references = new Map<string, Map<string, number>>();
  /** Claims that a node's pods use: node → `namespace/name` → count. */
  readonly #claims = new Map<string, Map<string, number>>();

  /** Follows the pods from now on. */
  constructor(lookup: Lookup) {
    this.#lookup = lookup;
    const follower: Follower = {
      put: (pod) => this.#count(pod, 1),
      remove: (pod) => this.#count(pod, -1),
      reset: () => {
        this.#references.clear();
        this.#claims.clear();
      },
    };
    lookup.follow("pods", follower);
  }

  /** Whether a pod of the node refers to the object, or a volume that one uses does. */
  isRelated(node: string, kind: ReferenceKind, namespace: string, name: string): boolean {
    if (this.#references.get(`${kind}/${namespace}/${name}`)?.has(node)) return true;
    return kind === "secrets" && this.#isSecretOfVolume(node, namespace, name);
  }

  /** Whether a pod of the node uses the claim that the volume is bound to. */
  isVolumeRelated(node: string, name: string): boolean {
    const claim = claimOf(this.#lookup.get("persistentvolumes", "", name));
    return claim !== undefined && this.isRelated(node, "persistentvolumeclaims", claim.namespace, claim.name);
  }

  isAttachmentOf(node: string, name: string): boolean {
    const attachment = this.#lookup.get("storage.k8s.io/volumeattachments", "", name);
    return (attachment?.["spec"] as { nodeName?: string } | undefined)?.nodeName === node;
  }

  #isSecretOfVolume(node: string, namespace: string, name: string): boolean {
    for (const claimKey of this.#claims.get(node)?.keys() ?? []) {
      const [claimNamespace = "", claimName = ""] = claimKey.split("/");
      const claim = this.#lookup.get("persistentvolumeclaims", claimNamespace, claimName);
      const volumeName = (claim?.["spec"] as { volumeName?: string } | undefined)?.volumeName;
      const volume = volumeName ? this.#lookup.get("persistentvolumes", "", volumeName) : undefined;
      if (volume && secretsOfVolume(volume).some((ref) => ref.namespace === namespace && ref.name === name))
        return true;
    }
    return false;
  }

  #count(pod: ApiObject, by: 1 | -1): void {
    const node = (pod["spec"] as { nodeName?: string } | undefined)?.nodeName;
    if (!node) return;
    const { namespace = "", name = "", annotations } = pod.metadata;
    add(this.#references, `pods/${namespace}/${name}`, node, by);
    // A node may make such a pod by itself: what it says gives it nothing.
    if (annotations?.[mirrorAnnotation] !== undefined) return;
    const { secrets, configMaps, claims, resourceClaims, serviceAccount } = podReferences(pod);
    for (const secret of secrets) add(this.#references, `secrets/${namespace}/${secret}`, node, by);
    for (const map of configMaps) add(this.#references, `configmaps/${namespace}/${map}`, node, by);
    for (const claim of resourceClaims) add(this.#references, `resourceclaims/${namespace}/${claim}`, node, by);
    for (const claim of claims) {
      add(this.#references, `persistentvolumeclaims/${namespace}/${claim}`, node, by);
      add(this.#claims, node, `${namespace}/${claim}`, by);
    }
    if (serviceAccount) add(this.#references, `serviceaccounts/${namespace}/${serviceAccount}`, node, by);
  }
}

function add(counts: Map<string, Map<string, number>>, outer: string, inner: string, by: 1 | -1): void {
  const counted = counts.get(outer) ?? new Map<string, number>();
  counts.set(outer, counted);
  const count = (counted.get(inner) ?? 0) + by;
  if (count > 0) counted.set(inner, count);
  else counted.delete(inner);
  if (counted.size === 0) counts.delete(outer);
}

interface NamespacedName {
  readonly namespace: string;
  readonly name: string;
}

function claimOf(volume: ApiObject | undefined): NamespacedName | undefined {
  return (volume?.["spec"] as { claimRef?: NamespacedName } | undefined)?.claimRef;
}

/** Secrets that a volume's driver needs; without a namespace they are in the claim's. */
function secretsOfVolume(volume: ApiObject): NamespacedName[] {
  const spec = (volume["spec"] ?? {}) as Record<string, unknown>;
  const home = claimOf(volume)?.namespace ?? "";
  const found: NamespacedName[] = [];
  for (const [source, value] of Object.entries(spec)) {
    if (typeof value !== "object" || value === null || source === "claimRef") continue;
    for (const [field, inner] of Object.entries(value as Record<string, unknown>)) {
      if (field.endsWith("SecretRef") || field === "secretRef") {
        const { name, namespace } = inner as { name?: string; namespace?: string };
        if (name) found.push({ name, namespace: namespace ? namespace : home });
      }
      if (source === "azureFile" && field === "secretName") {
        const { secretNamespace } = value as { secretNamespace?: string };
        found.push({ name: String(inner), namespace: secretNamespace ? secretNamespace : home });
      }
    }
  }
  return found;
}
