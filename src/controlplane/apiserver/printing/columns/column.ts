/** How the columns of a kind are written down, and the columns that most kinds have. */
import type { ApiObject, Column } from "../../resources/resource.ts";
import { age } from "../duration.ts";
import { describe, type FieldReference } from "./descriptions.ts";

/**
 * An object of a model as JSON holds it: times are text, and nothing is sure to be there, for
 * objects of older versions are printed too.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: Wire<T[K]> | undefined }
      : T;

export type Cell = string | number | boolean | null;

export interface Spec<T> {
  readonly name: string;
  /** Default: string. */
  readonly type?: Column["type"];
  readonly format?: "name";
  /** Shown by `-o wide` alone. */
  readonly wide?: true;
  /** The field that is shown, or words of its own. */
  readonly about: FieldReference | (string & {});
  readonly cell: (object: Wire<T>, nowMs: number) => Cell | undefined;
}

/** A column that is ready, told from a spec by what it lacks. */
type Ready = Column & { readonly about?: never };

/** The columns of a kind whose model is T; a cell that is not there is empty. */
export function columns<T extends object>(...specs: readonly (Spec<T> | Ready)[]): readonly Column[] {
  return specs.map((spec) => (spec.about === undefined ? spec : column(spec)));
}

function column<T extends object>({ name, type = "string", format, wide, about, cell }: Spec<T>): Column {
  return {
    name,
    type,
    ...(format ? { format } : {}),
    get description() {
      return describe(about);
    },
    priority: wide ? 1 : 0,
    cell: (object, nowMs) => cell(object as unknown as Wire<T>, nowMs) ?? empty(type),
  };
}

function empty(type: Column["type"]): Cell {
  if (type === "integer" || type === "number") return 0;
  return type === "boolean" ? false : "";
}

/** A column with some of its parts changed; its description is still read only when it is asked for. */
export function derived(column: Column, changes: Partial<Pick<Column, "priority" | "cell">>): Column {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(column)) as Column;
  return Object.assign(copy, changes);
}

export const nameColumn: Column = column<ApiObject>({
  name: "Name",
  format: "name",
  about: "V1ObjectMeta#name",
  cell: (object) => object.metadata?.name,
});

export const ageColumn: Column = column<ApiObject>({
  name: "Age",
  about: "V1ObjectMeta#creationTimestamp",
  cell: (object, nowMs) => age(object.metadata?.creationTimestamp, nowMs),
});

/** What kinds show that upstream has no columns for (roles, limit ranges, definitions). */
export const defaultColumns: readonly Column[] = columns<ApiObject>(nameColumn, {
  name: "Created At",
  type: "date",
  about: "V1ObjectMeta#creationTimestamp",
  cell: (object) => object.metadata?.creationTimestamp ?? null,
});
