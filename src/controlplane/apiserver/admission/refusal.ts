/** How a plug-in's refusal reads (apiserver/pkg/admission/errors.go). */
import { ApiError, qualified, type Cause } from "../status.ts";
import type { AdmissionRequest } from "./admission.ts";

/** 403: `pods "x" is forbidden: why`. */
export function refused(request: AdmissionRequest, why: string, causes: readonly Cause[] = []): ApiError {
  const { resource, name } = request;
  const { group, plural } = resource;
  return new ApiError("Forbidden", `${qualified(resource)} "${name}" is forbidden: ${why}`, {
    name,
    ...(group === "" ? {} : { group }),
    kind: plural,
    ...(causes.length === 0 ? {} : { causes }),
  });
}

/** Several objections as one sentence, as Go's aggregated errors read. */
export function together(objections: readonly string[]): string {
  const unique = [...new Set(objections)];
  return unique.length === 1 ? unique[0]! : `[${unique.join(", ")}]`;
}

/** Whether a request is about objects of a resource themselves, and not about a subresource. */
export function isAbout({ resource, subresource }: AdmissionRequest, group: string, plural: string): boolean {
  return resource.group === group && resource.plural === plural && subresource === "";
}

/** Whether a pod is made. */
export function createsPod(request: AdmissionRequest): boolean {
  return request.operation === "CREATE" && isAbout(request, "", "pods");
}
