/** The default policy against what is there: what is missing is added, nothing is taken away (upstream's rbac reconciliation). */
import { missingRules, compactRules, type PolicyRule } from "../../auth/rbac/rules.ts";
import type { ApiObject } from "../../resources/resource.ts";
import { autoUpdateAnnotation } from "./objects.ts";

/**
 * What is to be written for one object of the policy. Pure.
 *
 * @returns undefined where everything is there, or an operator keeps the object by the annotation
 */
export function reconciled(wanted: ApiObject, found: ApiObject): ApiObject | undefined {
  if (found.metadata.annotations?.[autoUpdateAnnotation] !== "true") return undefined;
  const rules = missingFrom(found, wanted);
  const subjects = missingSubjects(found, wanted);
  const labels = missingLabels(found, wanted);
  const selectors = missingSelectors(found, wanted);
  if (rules.length + subjects.length + selectors.length + Object.keys(labels).length === 0) return undefined;
  return {
    ...found,
    metadata: { ...found.metadata, labels: { ...found.metadata.labels, ...labels } },
    ...(rules.length > 0 ? { rules: [...listAt(found, "rules"), ...rules] } : {}),
    ...(subjects.length > 0 ? { subjects: [...listAt(found, "subjects"), ...subjects] } : {}),
    ...(selectors.length > 0
      ? { aggregationRule: { clusterRoleSelectors: [...selectorsOf(found), ...selectors] } }
      : {}),
  };
}

/** Whether a binding of the policy names another role than the one that is there: a role cannot be changed. */
export function hasOtherRole(wanted: ApiObject, found: ApiObject): boolean {
  const [a, b] = [wanted["roleRef"], found["roleRef"]] as (undefined | { kind: string; name: string })[];
  return a?.kind !== b?.kind || a?.name !== b?.name;
}

function missingFrom(found: ApiObject, wanted: ApiObject): PolicyRule[] {
  const held = listAt(found, "rules") as PolicyRule[];
  return compactRules(missingRules(held, listAt(wanted, "rules") as PolicyRule[]));
}

function missingSubjects(found: ApiObject, wanted: ApiObject): unknown[] {
  const keyOf = (subject: unknown): string => {
    const { kind, name, namespace } = subject as { kind: string; name: string; namespace?: string };
    return `${kind}/${namespace ?? ""}/${name}`;
  };
  const had = new Set(listAt(found, "subjects").map(keyOf));
  return listAt(wanted, "subjects").filter((subject) => !had.has(keyOf(subject)));
}

function missingLabels(found: ApiObject, wanted: ApiObject): Record<string, string> {
  const labels = Object.entries(wanted.metadata.labels ?? {});
  return Object.fromEntries(labels.filter(([key, value]) => found.metadata.labels?.[key] !== value));
}

function missingSelectors(found: ApiObject, wanted: ApiObject): unknown[] {
  const had = new Set(selectorsOf(found).map((selector) => JSON.stringify(selector)));
  return selectorsOf(wanted).filter((selector) => !had.has(JSON.stringify(selector)));
}

function selectorsOf(role: ApiObject): unknown[] {
  const rule = role["aggregationRule"] as { clusterRoleSelectors?: unknown[] } | undefined;
  return rule?.clusterRoleSelectors ?? [];
}

function listAt(object: ApiObject, field: string): unknown[] {
  return (object[field] as unknown[] | undefined) ?? [];
}
