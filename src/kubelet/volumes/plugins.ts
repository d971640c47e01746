/** Names of upstream's volume plug-ins, as its metrics have them. Pure. */
import type { Volume } from "./payload.ts";

const names = {
  configMap: "kubernetes.io/configmap",
  secret: "kubernetes.io/secret",
  downwardAPI: "kubernetes.io/downward-api",
  projected: "kubernetes.io/projected",
  emptyDir: "kubernetes.io/empty-dir",
  hostPath: "kubernetes.io/host-path",
} as const;

export const emptyDirPlugin = names.emptyDir;
export const hostPathPlugin = names.hostPath;
export const localPlugin = "kubernetes.io/local-volume";

/** @returns undefined where another object says which, or nobody serves it */
export function pluginOf(volume: Volume): string | undefined {
  const kind = (Object.keys(names) as (keyof typeof names)[]).find((key) => volume[key] !== undefined);
  if (kind !== undefined) return names[kind];
  // What has no source at all is an emptyDir.
  return Object.keys(volume).some((key) => key !== "name") ? undefined : names.emptyDir;
}
