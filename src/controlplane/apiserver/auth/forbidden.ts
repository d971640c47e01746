/** How a refusal by the authorizers reads. */
import { ApiError } from "../status.ts";
import type { Attributes } from "./authorizer.ts";

/** Upstream's sentence: User "x" cannot list resource "pods" in API group "" in the namespace "default". */
export function forbidden(attributes: Attributes, reason: string): ApiError {
  const { user, verb, group, resource, subresource, namespace, name, path } = attributes;
  const tail = reason === "" ? "" : `: ${reason}`;
  if (path !== undefined) {
    return new ApiError("Forbidden", `forbidden: User "${user.name}" cannot ${verb} path "${path}"${tail}`, {});
  }
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const scope = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const named = name === "" ? "" : ` "${name}"`;
  const message = `${group === "" ? resource : `${resource}.${group}`}${named} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${scope}${tail}`;
  return new ApiError("Forbidden", message, {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: resource,
  });
}
