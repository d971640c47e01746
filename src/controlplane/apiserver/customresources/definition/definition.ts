/** A CustomResourceDefinition of apiextensions.k8s.io/v1 as it stands in the store. */
import type { ApiObject } from "../../resources/resource.ts";
import type { JsonSchema } from "../schema/json_schema.ts";

export interface Names {
  plural: string;
  singular?: string;
  shortNames?: string[];
  kind: string;
  listKind?: string;
  categories?: string[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

export interface ScaleSubresource {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: { readonly status?: object; readonly scale?: ScaleSubresource };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

export interface DefinitionSpec {
  group: string;
  names: Names;
  scope: "Namespaced" | "Cluster";
  versions: DefinitionVersion[];
  conversion?: { strategy: string; webhook?: object };
  preserveUnknownFields?: boolean;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

export interface DefinitionStatus {
  conditions?: Condition[];
  acceptedNames?: Names;
  storedVersions?: string[];
}

export interface Definition extends ApiObject {
  spec: DefinitionSpec;
  status?: DefinitionStatus;
}

/** Holds a definition until the objects of its kind are gone. */
export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

export function conditionOf(definition: Definition, type: string): Condition | undefined {
  return definition.status?.conditions?.find((condition) => condition.type === type);
}

export function isTrue(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === "True";
}

export function storageVersion(definition: Definition): DefinitionVersion {
  return definition.spec.versions.find(({ storage }) => storage)!;
}
