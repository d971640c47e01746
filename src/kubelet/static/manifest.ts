/**
 * The text of a file or of a URL → static pods, as upstream makes them (pkg/kubelet/config/common.go): defaults and checks
 * are the API server's own, so that a mirror of what is run here can be made there. Loaded where static pods are configured.
 */
import { createHash } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { messageOf } from "../../errors/message.ts";
import { podReferences } from "../../controlplane/apiserver/auth/pod_references.ts";
import type { ApiObject } from "../../controlplane/apiserver/resources/resource.ts";
import { pod as strategy } from "../../controlplane/apiserver/strategies/pod/strategy.ts";
import { qosClassOf, type QosSpec } from "../../model/qos_class.ts";
import { checkFields } from "../../controlplane/apiserver/validation/fields.ts";
import type { Pod } from "../../model/kubernetes.ts";
import { configHashAnnotation, configSeenAnnotation, configSourceAnnotation } from "../pods/names.ts";

export type SourceKind = "file" | "http";

export interface Origin {
  readonly kind: SourceKind;
  /** The file's path, or the URL. */
  readonly place: string;
  readonly nodeName: string;
  /** RFC 3339 */
  readonly seen: string;
}

/** @throws Error with upstream's words */
export function podOfFile(text: string, origin: Origin): Pod {
  try {
    return staticPod(documentOf(text), origin);
  } catch (error) {
    throw new Error(`${origin.place}: couldn't parse as pod(${messageOf(error)}), please check config file`, {
      cause: error,
    });
  }
}

/** A Pod, or a PodList. @throws Error with upstream's words */
export function podsOfUrl(text: string, origin: Origin): readonly Pod[] {
  try {
    const document = documentOf(text);
    if (!isRecord(document) || document["kind"] !== "PodList") return [staticPod(document, origin)];
    const { items } = document;
    return (Array.isArray(items) ? items : []).map((item: object) =>
      staticPod({ apiVersion: "v1", kind: "Pod", ...item }, origin),
    );
  } catch (error) {
    throw new Error(`${origin.place}: couldn't parse as single or multiple pods (${messageOf(error)})`, {
      cause: error,
    });
  }
}

function staticPod(document: unknown, origin: Origin): Pod {
  const object = podObject(document);
  const uid = object.metadata.uid || uidOf(object, origin);
  checkFields("V1Pod", object, "Ignore", []);
  strategy.defaults!(object);
  const { metadata } = object;
  const spec = (object["spec"] ?? {}) as Spec;
  object.metadata = {
    ...metadata,
    uid,
    name: `${metadata.name!}-${origin.nodeName.toLowerCase()}`,
    namespace: metadata.namespace || "default",
    annotations: {
      ...metadata.annotations,
      [configHashAnnotation]: uid,
      [configSeenAnnotation]: origin.seen,
      [configSourceAnnotation]: origin.kind,
    },
  };
  spec.nodeName = origin.nodeName;
  if (origin.kind === "file") spec.tolerations = withNoExecute(spec.tolerations ?? []);
  check(object);
  object["status"] = { phase: "Pending", qosClass: qosClassOf(spec as QosSpec) };
  return object as unknown as Pod;
}

interface Spec {
  nodeName?: string;
  tolerations?: Toleration[];
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly effect?: string;
}

/** Troubles of the node do not end it. */
function withNoExecute(tolerations: readonly Toleration[]): Toleration[] {
  const isAny = ({ key, operator, effect }: Toleration): boolean =>
    !key && operator === "Exists" && effect === "NoExecute";
  return tolerations.some(isAny) ? [...tolerations] : [...tolerations, { operator: "Exists", effect: "NoExecute" }];
}

function podObject(document: unknown): ApiObject {
  if (!isRecord(document)) throw new Error("Object 'Kind' is missing");
  const { kind, apiVersion } = document;
  if (kind !== "Pod" || apiVersion !== "v1") {
    throw new Error(`invalid pod: apiVersion ${JSON.stringify(apiVersion)}, kind ${JSON.stringify(kind)}`);
  }
  const object = { ...document, metadata: isRecord(document["metadata"]) ? { ...document["metadata"] } : {} };
  if (!object.metadata["name"]) throw new Error("invalid pod: name is needed for the pod");
  return object as unknown as ApiObject;
}

function check(object: ApiObject): void {
  const causes = strategy.validateCreate!(object);
  if (causes.length > 0) {
    throw new Error(`invalid pod: [${causes.map(({ field, message }) => `${field}: ${message}`).join(", ")}]`);
  }
  const reference = referenceOf(object);
  if (reference !== undefined) throw new Error(`static pods may not reference ${reference}`);
}

/** What the API has may be away: a static pod is run without it (podutil.HasAPIObjectReference). */
function referenceOf(object: ApiObject): string | undefined {
  const { serviceAccount, secrets, configMaps, claims, hasClusterTrustBundle } = podReferences(object);
  if (serviceAccount) return "serviceaccounts";
  if (secrets.size > 0) return "secrets";
  if (configMaps.size > 0) return "configmaps";
  if (hasClusterTrustBundle) return "clustertrustbundles";
  if (claims.size > 0) return "persistentvolumeclaims";
  const { resourceClaims = [] } = object["spec"] as { resourceClaims?: readonly unknown[] };
  return resourceClaims.length > 0 ? "resourceclaims" : undefined;
}

/** Of what was written and of where: the same text gives the same pod after a restart, another text another pod. */
function uidOf(object: ApiObject, { kind, place, nodeName }: Origin): string {
  const hash = createHash("md5").update(JSON.stringify(sorted(object)));
  hash.update(kind === "file" ? `host:${nodeName}file:${place}` : `url:${place}`);
  return hash.digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

/** As Go's YAML reads it: 1.1, of which times and sexagesimal numbers stay text; the first document alone. */
function documentOf(text: string): unknown {
  const isText = (tag: unknown): boolean =>
    isRecord(tag) && (tag["format"] === "TIME" || /timestamp$/.test(tag["tag"] as string));
  const documents = parseAllDocuments(text, {
    version: "1.1",
    customTags: (tags) => tags.filter((tag) => !isText(tag)),
  });
  const [document] = documents as { errors: readonly Error[]; toJS(): unknown }[];
  if (!document) throw new Error("it is empty");
  const [broken] = document.errors;
  if (broken) throw new Error(broken.message.split("\n")[0] ?? "", { cause: broken });
  return document.toJS();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
