/** Parts of cells that several kinds have: selectors, containers, lists that are cut short. */
import type { V1Container, V1LabelSelector } from "@kubernetes/client-node";
import type { ApiObject, Column } from "../../resources/resource.ts";
import { columns, type Wire } from "./column.ts";

export const none = "<none>";
export const unset = "<unset>";
export const unknown = "<unknown>";

type Labels = Readonly<Record<string, string | undefined>>;

/** labels.FormatLabels: "a=1,b=2", or "<none>". */
export function formatLabels(labels: Labels | undefined): string {
  return labelPairs(labels).join(",") || none;
}

/** metav1.FormatLabelSelector: the selector's text, or "<none>" where it selects everything. */
export function formatSelector(selector: Wire<V1LabelSelector> | undefined): string {
  return selectorText(selector) || none;
}

/** labels.Selector.String: requirements in the order of their keys. */
export function selectorText(selector: Wire<V1LabelSelector> | undefined): string {
  const terms = Object.entries(selector?.matchLabels ?? {}).map(([key, value]): [string, string] => [
    key,
    `${key}=${value ?? ""}`,
  ]);
  for (const { key = "", operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(",")})`;
    if (operator === "In") terms.push([key, `${key} in ${list}`]);
    else if (operator === "NotIn") terms.push([key, `${key} notin ${list}`]);
    else terms.push([key, operator === "Exists" ? key : `!${key}`]);
  }
  return terms
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(",");
}

function labelPairs(labels: Labels | undefined): string[] {
  return Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key] ?? ""}`);
}

/** The names and images of a template's containers, for -o wide. */
export function containerColumns<T extends object>(
  containersOf: (object: Wire<T>) => readonly Wire<V1Container>[] | undefined,
): readonly Column[] {
  const joined = (object: Wire<T>, field: "name" | "image"): string =>
    (containersOf(object) ?? []).map((container) => container[field] ?? "").join(",");
  return columns<T>(
    {
      name: "Containers",
      wide: true,
      about: "Names of each container in the template.",
      cell: (object) => joined(object, "name"),
    },
    {
      name: "Images",
      wide: true,
      about: "Images referenced by each container in the template.",
      cell: (object) => joined(object, "image"),
    },
  );
}

/** "a,b,c + 2 more...": at most `max` of a list. */
export function cutList(list: readonly string[], max: number, separator = ","): string {
  const shown = list.slice(0, max).join(separator);
  return list.length > max ? `${shown} + ${list.length - max} more...` : shown;
}

export function isDeleting(object: Wire<ApiObject>): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}
