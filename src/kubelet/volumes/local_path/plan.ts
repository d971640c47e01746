/** Which folder of this node goes with a volume that is being deleted. */
import path from "node:path";
import { hostnameLabel, localPathFinalizer } from "../../../model/local_path.ts";
import type { PersistentVolume } from "../../../model/kubernetes.ts";

export interface LocalPathNode {
  readonly hostname: string;
  /** Below which the node's volumes are: nothing else is ever removed. */
  readonly folder: string;
}

export interface Removal {
  readonly folder: string;
  /** The volume's once the folder is gone. */
  readonly finalizers: readonly string[];
}

/** @returns undefined where the volume is not this node's, or may still be used */
export function planRemoval({ metadata, spec, status }: PersistentVolume, node: LocalPathNode): Removal | undefined {
  const { finalizers = [], deletionTimestamp, name } = metadata;
  if (deletionTimestamp === undefined || status?.phase === "Bound" || !finalizers.includes(localPathFinalizer)) {
    return undefined;
  }
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const isHere = terms.some(({ matchExpressions = [] }) =>
    matchExpressions.some(({ key, values }) => key === hostnameLabel && values?.includes(node.hostname)),
  );
  const folder = path.normalize(spec.hostPath?.path ?? "");
  // The path is what somebody has written into an object: it must be one that the provisioner would have chosen.
  const isOurs = path.dirname(folder) === path.normalize(node.folder) && path.basename(folder).startsWith(`${name}_`);
  if (!isHere || !isOurs) return undefined;
  return { folder, finalizers: finalizers.filter((one) => one !== localPathFinalizer) };
}
