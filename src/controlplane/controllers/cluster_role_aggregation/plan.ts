/** The rules of ClusterRoles that are made of others (upstream: pkg/controller/clusterroleaggregation). Pure. */
import { labelMatcher, type LabelSelector } from "../../../model/label_selector.ts";
import type { ClusterRole } from "../../../model/kubernetes.ts";

export type Rules = NonNullable<ClusterRole["rules"]>;

export function isAggregated({ aggregationRule }: ClusterRole): boolean {
  return aggregationRule !== undefined;
}

/** @returns the rules as they should be, or undefined where they are */
export function aggregated(role: ClusterRole, all: readonly ClusterRole[]): Rules | undefined {
  const selectors = (role.aggregationRule?.clusterRoleSelectors ?? []) as readonly LabelSelector[];
  const rules = new Map<string, Rules[number]>();
  for (const selects of selectors.map(labelMatcher)) {
    for (const other of [...all].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
      if (other.metadata.name === role.metadata.name || !selects(other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) rules.set(JSON.stringify(rule), rule);
    }
  }
  const wanted = [...rules.values()];
  return JSON.stringify(wanted) === JSON.stringify(role.rules ?? []) ? undefined : wanted;
}
