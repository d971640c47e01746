/** Columns of custom resources: what their definition's additionalPrinterColumns say. */
import type { ApiObject, Column } from "../resources/resource.ts";
import { ageColumn, derived, nameColumn } from "./columns/column.ts";
import { age } from "./duration.ts";
import { jsonPath, type JsonPath } from "./json_path.ts";

/** apiextensions.k8s.io/v1 CustomResourceColumnDefinition. */
export interface CustomColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** The description of a custom resource's column that has none (apiextensions-apiserver's tableconvertor). */
const defaultDescription = (path: string): string => `Custom resource definition column (in JSONPath format): ${path}`;

/**
 * The columns of one version of a custom resource: its name, and what the definition names; its age
 * where it names none.
 *
 * @throws Error where a path cannot be read: the definition's validation refuses it before
 */
export function columnsFromCrd(custom: readonly CustomColumn[] | undefined): readonly Column[] {
  if (!custom || custom.length === 0) return [nameColumn, derived(ageColumn, {})];
  return [nameColumn, ...custom.map(columnOf)];
}

function columnOf({ name, type, format, description, priority = 0, jsonPath: path }: CustomColumn): Column {
  const find = jsonPath(path);
  return {
    name,
    type: type as Column["type"],
    ...(format ? { format: format as NonNullable<Column["format"]> } : {}),
    description: description || defaultDescription(path),
    priority: priority as Column["priority"],
    cell: (object, nowMs) => cellOf(type, first(find, object), nowMs),
  };
}

function first(find: JsonPath, object: ApiObject): unknown {
  return find(object)[0];
}

/** A value that is not of the column's type is left out. */
function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      return textOf(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? dateOf(value, nowMs) : null;
    default:
      return null;
  }
}

function dateOf(value: string, nowMs: number): string {
  return Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, nowMs);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
