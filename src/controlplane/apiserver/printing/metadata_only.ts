import type { ApiObject } from "../resources/resource.ts";

/** meta.k8s.io PartialObjectMetadata of an object. */
export function metadataOnly(object: ApiObject): object {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}
