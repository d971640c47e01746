/** Pods by the node they are bound to. */
import type { Informer } from "../../../api/informer.ts";
import type { Index } from "../../../api/object_store.ts";
import type { Pod } from "../../../model/kubernetes.ts";

const indexes = new WeakMap<Informer<Pod>, Index<Pod>>();

/** The informer's index; all controllers share one. Pods without a node are under "". */
export function podsByNode(informer: Informer<Pod>): Index<Pod> {
  let index = indexes.get(informer);
  if (!index) indexes.set(informer, (index = informer.objects.addIndex(({ spec }) => [spec.nodeName ?? ""])));
  return index;
}
