/** The ConfigMap by which pods trust the API server (upstream: pkg/controller/certificates/rootcacertpublisher). Pure. */
import type { ConfigMap, Namespace, New } from "../../../model/kubernetes.ts";

export const configMapName = "kube-root-ca.crt";
const descriptionAnnotation = "kubernetes.io/description";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
  "No other usage is guaranteed across distributions of Kubernetes clusters.";

export type PublishStep =
  | { readonly type: "create"; readonly object: New<ConfigMap> }
  | { readonly type: "update"; readonly object: ConfigMap };

/** @param certificate PEM */
export function planPublish(
  namespace: Namespace | undefined,
  found: ConfigMap | undefined,
  certificate: string,
): PublishStep | undefined {
  if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return undefined;
  const annotations = { [descriptionAnnotation]: description };
  const data = { "ca.crt": certificate };
  if (!found) {
    const metadata = { namespace: namespace.metadata.name, name: configMapName, annotations };
    return { type: "create", object: { metadata, data } };
  }
  if (isPublished(found, certificate)) return undefined;
  const metadata = { ...found.metadata, annotations: { ...found.metadata.annotations, ...annotations } };
  return { type: "update", object: { ...found, metadata, data } };
}

function isPublished({ metadata, data = {}, binaryData }: ConfigMap, certificate: string): boolean {
  const isSame = data["ca.crt"] === certificate && Object.keys(data).length === 1;
  return isSame && binaryData === undefined && metadata.annotations?.[descriptionAnnotation] === description;
}
