/** The filters of one pod in one cycle, and whether it fits a node by all of them. */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { unresolvable, type NodeFilter, type Plugin, type Rejection } from "./plugin.ts";

export interface NamedFilter {
  readonly plugin: string;
  readonly filter: NodeFilter;
}

export interface PluginRejection {
  readonly plugin: string;
  readonly rejection: Rejection;
}

/** @returns the filters, or the first plugin that leaves no node */
export function podFilters(
  pod: PodInfo,
  cluster: Cluster,
  plugins: readonly Plugin[],
): readonly NamedFilter[] | PluginRejection {
  const filters: NamedFilter[] = [];
  for (const plugin of plugins) {
    const made = plugin.filter?.(pod, cluster);
    if (made === undefined) continue;
    if ("code" in made) return { plugin: plugin.name, rejection: made };
    filters.push({ plugin: plugin.name, filter: made });
  }
  return filters;
}

/** Which nodes the filters leave to look at, and what is said of the others. */
export function confinement(
  filters: readonly NamedFilter[],
):
  | { readonly names: ReadonlySet<string>; readonly plugins: readonly string[]; readonly rejection: Rejection }
  | undefined {
  let names: ReadonlySet<string> | undefined;
  const plugins: string[] = [];
  for (const { plugin, filter } of filters) {
    if (!filter.nodeNames) continue;
    plugins.push(plugin);
    const others = filter.nodeNames;
    names = names ? new Set([...names].filter((name) => others.has(name))) : others;
  }
  if (!names) return undefined;
  return { names, plugins, rejection: unresolvable(`node(s) didn't satisfy plugin(s) [${plugins.sort().join(" ")}]`) };
}

/** @returns the first plugin that rejects */
export function checkAll(filters: readonly NamedFilter[], node: NodeInfo): PluginRejection | undefined {
  for (const { plugin, filter } of filters) {
    const rejection = filter.check(node);
    if (rejection) return { plugin, rejection };
  }
  return undefined;
}

/**
 * The same where room on the node is promised to pods of the same or a higher priority: the pod must fit with them
 * there (they may come), and without them (it may depend on what they do not bring).
 */
export function checkWithNominated(
  filters: readonly NamedFilter[],
  pod: PodInfo,
  node: NodeInfo,
  cluster: Cluster,
): PluginRejection | undefined {
  if (cluster.nominations.size === 0) return checkAll(filters, node);
  const promised = cluster.nominations
    .on(node.name)
    .filter(({ uid, priority }) => uid !== pod.uid && priority >= pod.priority);
  if (promised.length === 0) return checkAll(filters, node);
  const full = node.clone();
  for (const other of promised) changePod(filters, full, other, 1);
  const rejected = checkAll(filters, full);
  for (const other of promised) changePod(filters, full, other, -1);
  return rejected ?? checkAll(filters, node);
}

/** As if a pod came to a (cloned) node or left it. */
export function changePod(filters: readonly NamedFilter[], node: NodeInfo, pod: PodInfo, by: 1 | -1): void {
  if (by === 1) node.add(pod);
  else node.remove(pod);
  for (const { filter } of filters) filter.change?.(node, pod, by);
}
