/** The pods that terms of affinity mean, as they are counted: namespaces that are selected by labels are looked up now. */
import type { Cluster } from "../cluster/cluster.ts";
import type { PodSelection } from "../cluster/pod_counts.ts";
import type { PodTerm } from "../model/pod_terms.ts";

/** Pods that all of the terms mean. */
export function selectionOfAll(terms: readonly PodTerm[], cluster: Cluster): PodSelection {
  const parts = terms.map((term) => ({
    namespaces: namespacesOf(term, cluster),
    matches: term.matches,
    hook: term.hook,
  }));
  const keys = terms.map(({ selectorKey }, i) => `${[...(parts[i]!.namespaces ?? ["*"])].join(",")} ${selectorKey}`);
  return { key: `terms ${keys.join(" & ")}`, parts, withTerminating: true };
}

function namespacesOf(term: PodTerm, { objects }: Cluster): ReadonlySet<string> | undefined {
  if (term.anyNamespace) return undefined;
  const { namespaces, namespaceSelector } = term;
  if (!namespaceSelector) return namespaces;
  const all = new Set(namespaces);
  for (const { metadata } of objects.namespaces.values()) {
    if (namespaceSelector(metadata.labels)) all.add(metadata.name);
  }
  return all;
}
