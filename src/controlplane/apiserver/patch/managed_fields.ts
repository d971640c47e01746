/** metadata.managedFields: who set which field (KEP-555). */
import type { ApiObject } from "../resources/resource.ts";
import type { Endpoint } from "../verbs/endpoint.ts";

/**
 * Notes in `next` who changed what since `old`.
 *
 * @param old undefined for a create
 */
export function trackUpdate(
  _endpoint: Endpoint,
  old: ApiObject | undefined,
  next: ApiObject,
  _manager: string,
  _subresource: string,
): void {
  // Nobody's fields are noted yet: what stands there stays.
  if (old?.metadata.managedFields) next.metadata.managedFields = old.metadata.managedFields;
  else delete next.metadata.managedFields;
}
