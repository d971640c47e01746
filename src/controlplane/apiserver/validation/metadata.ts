/** metadata of any object: names, labels, annotations, owners (apimachinery/pkg/api/validation). */
import type { ApiObject, Resource } from "../resources/resource.ts";
import type { Cause } from "../status.ts";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainHelp =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const maxNameLength = 253;
/** Kinds whose names are paths' segments and nothing stricter (RBAC). */
const pathSegmentKinds = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);

export function required(field: string, detail = ""): Cause {
  return { reason: "FieldValueRequired", message: `Required value${detail === "" ? "" : `: ${detail}`}`, field };
}

export function invalidValue(field: string, value: unknown, detail: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${detail}`, field };
}

/** Causes for which an object's metadata is refused; empty where it is right. */
export function validateMetadata(resource: Resource, object: ApiObject, old: ApiObject | undefined): Cause[] {
  const { metadata } = object;
  const causes: Cause[] = [];
  if (!metadata.name) causes.push(required("metadata.name", "name or generateName is required"));
  else if (!old) causes.push(...nameCauses(resource, metadata.name));
  if (resource.namespaced && !metadata.namespace) causes.push(required("metadata.namespace"));
  return causes;
}

function nameCauses(resource: Resource, name: string): Cause[] {
  if (pathSegmentKinds.has(resource.kind)) {
    const wrong = name === "." || name === ".." || /[/%]/.test(name);
    return wrong ? [invalidValue("metadata.name", name, "may not be '.' or '..' or contain '/' or '%'")] : [];
  }
  if (name.length > maxNameLength)
    return [invalidValue("metadata.name", name, `must be no more than ${maxNameLength} characters`)];
  return subdomain.test(name) ? [] : [invalidValue("metadata.name", name, subdomainHelp)];
}
