/** Signatures of cluster-info by bootstrap tokens (upstream: pkg/controller/bootstrap/bootstrapsigner.go). Pure. */
import type { ConfigMap } from "../../../model/kubernetes.ts";

export const clusterInfo = { namespace: "kube-public", name: "cluster-info" };
const prefix = "jws-kubeconfig-";

/** What is to be signed; undefined where there is nothing. */
export function signedText({ data = {} }: ConfigMap): string | undefined {
  return data["kubeconfig"];
}

/**
 * @param signatures by token id
 * @returns the object as it should be, or undefined where it is
 */
export function withSignatures(info: ConfigMap, signatures: ReadonlyMap<string, string>): ConfigMap | undefined {
  const before = info.data ?? {};
  const others = Object.entries(before).filter(([key]) => !key.startsWith(prefix));
  const data = Object.fromEntries([...others, ...[...signatures].map(([id, text]) => [prefix + id, text] as const)]);
  const names = Object.keys(data);
  const isSame = names.length === Object.keys(before).length && names.every((key) => data[key] === before[key]);
  return isSame ? undefined : { ...info, data };
}
