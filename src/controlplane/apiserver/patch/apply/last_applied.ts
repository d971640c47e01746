/**
 * From client-side to server-side apply (managedfields/internal/lastappliedmanager.go, lastappliedupdater.go): what
 * kubectl applied on the client before does not conflict with what it applies on the server now.
 */
import type { ApiObject } from "../../resources/resource.ts";
import { groupVersion } from "../../verbs/endpoint.ts";
import { compare, touched } from "./compare.ts";
import { difference, isBare, type FieldSet } from "./fields.ts";
import { namedFields } from "./owned.ts";
import { tracked, typeOfVersion, type VersionedResource } from "./tracked.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";
/** The only manager that stands for the client-side applier. */
export const kubectl = "kubectl";
/** Most bytes of all annotations of an object together. */
const maxAnnotationBytes = 256 * 1024;

/** Fields that the client applied last, and that still are as it wrote them. */
export function fieldsLastApplied(endpoint: VersionedResource, live: ApiObject, subresource: string): FieldSet {
  const config = parsed(live.metadata.annotations?.[annotation]);
  if (config?.["apiVersion"] !== groupVersion(endpoint)) return {};
  const type = typeOfVersion(endpoint.version);
  const wanted = tracked(endpoint, config, subresource);
  const { removed: _, ...differences } = compare(type, tracked(endpoint, live, subresource), wanted);
  return difference(namedFields(type, wanted), touched(differences));
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function areAllowed(conflicts: FieldSet, allowed: FieldSet): boolean {
  return isBare(difference(conflicts, allowed));
}

/** Keeps the annotation of an object that has it as what is applied now, for clients that go back. */
export function noteLastApplied(next: ApiObject, live: ApiObject, config: ApiObject): void {
  const annotations = next.metadata.annotations;
  if (live.metadata.annotations?.[annotation] === undefined || annotations?.[annotation] === undefined) return;
  const { [annotation]: _, ...others } = config.metadata.annotations ?? {};
  const noted = { ...config, metadata: { ...config.metadata, annotations: others } };
  const text = `${JSON.stringify(noted)}\n`;
  const kept = { ...annotations, [annotation]: text };
  if (Buffer.byteLength(JSON.stringify(kept)) <= maxAnnotationBytes) next.metadata.annotations = kept;
}
