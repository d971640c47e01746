/** meta.k8s.io Table: the rows that kubectl shows, printed by the server. */
import type { ApiObject, Column, Resource } from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import { defaultColumns } from "./columns/column.ts";
import { podRowConditions } from "./columns/pods.ts";
import { metadataOnly } from "./metadata_only.ts";

export { age, humanDuration } from "./duration.ts";

/**
 * @param include what each row carries: "None", "Metadata" (default) or "Object"
 * @param withColumns false for the events of a watch behind its first: the client knows the columns then
 * @throws ApiError 400
 */
export function tableOf(
  resource: Resource,
  objects: readonly ApiObject[],
  metadata: object,
  include: string | null,
  withColumns = true,
): object {
  const row = tableRow(resource, include);
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: withColumns ? columnsOf(resource).map(definition) : null,
    rows: objects.map(row),
  };
}

/** What makes the rows of a Table. @throws ApiError 400 */
export function tableRow(resource: Resource, include: string | null): (object: ApiObject) => object {
  const columns = columnsOf(resource);
  const carried = carriedBy(include);
  const nowMs = Date.now();
  const isPod = resource.kind === "Pod" && resource.group === "";
  return (object) => {
    const conditions = isPod ? podRowConditions(object) : undefined;
    return {
      cells: columns.map((column) => column.cell(object, nowMs)),
      ...(conditions ? { conditions } : {}),
      object: carried(object),
    };
  };
}

function columnsOf({ columns }: Resource): readonly Column[] {
  return columns.length > 0 ? columns : defaultColumns;
}

function definition({ name, type, format, description, priority }: Column): object {
  return { name, type, format: format ?? "", description, priority };
}

function carriedBy(include: string | null): (object: ApiObject) => object | null {
  switch (include) {
    case "None":
      return () => null;
    case "Object":
      return (object) => object;
    case null:
    case "":
    case "Metadata":
      return metadataOnly;
    default:
      throw new ApiError("BadRequest", `unrecognized includeObject value: "${include}"`);
  }
}
