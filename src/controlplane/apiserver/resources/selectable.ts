/** Fields that selectors may name, where they are more than what stands at their path (upstream's ToSelectableFields). */
import type { FieldReader } from "./resource.ts";

/** What stands at a path, as text; `absent` where nothing does: the zero value of a Go field. */
export function at(path: string, absent = ""): FieldReader {
  const keys = path.split(".");
  return (object) => {
    let value: unknown = object;
    for (const key of keys) {
      if (typeof value !== "object" || value === null) return absent;
      value = (value as Record<string, unknown>)[key];
    }
    return isScalar(value) ? String(value) : absent;
  };
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

const component = at("source.component");
const controller = at("reportingComponent");

/** Events name who reports them in an old field or in a new one. */
export const eventFields: Readonly<Record<string, FieldReader>> = {
  source: (object) => component(object) || controller(object),
};

/** The names that events.k8s.io has for fields of the stored Events. */
export const shownEventFields: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((field) => [
      `regarding.${field}`,
      `involvedObject.${field}`,
    ]),
  ),
  reportingController: "reportingComponent",
};
