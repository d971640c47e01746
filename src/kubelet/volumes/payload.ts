/** What the files of a configMap, secret, downwardAPI or projected volume hold (pkg/volume/{configmap,secret,projected}). */
import type { Pod } from "../../model/kubernetes.ts";
import { fieldOf, resourceOf, type NodeFacts } from "../pods/render/field_ref.ts";
import type { Payload, ProjectedFile } from "./atomic_writer.ts";

export type Volume = NonNullable<Pod["spec"]["volumes"]>[number];

/** Objects' content, read before; undefined: not there. */
export interface VolumeSources {
  readonly configMap: (name: string) => ReadonlyMap<string, Buffer> | undefined;
  readonly secret: (name: string) => ReadonlyMap<string, Buffer> | undefined;
  /** A service account's token, by its audience and lifetime. */
  readonly token: (audience: string, expirationSeconds: number) => string;
}

interface Item {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

interface KeyedSource {
  readonly name?: string;
  readonly items?: readonly Item[];
  readonly optional?: boolean;
}

export const defaultTokenSeconds = 3600;
const defaultMode = 0o644;

/** @throws Error with upstream's words, where something that must be there is not */
export function payloadOf(pod: Pod, volume: Volume, sources: VolumeSources, node: NodeFacts): Payload | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return new Map(keyed("configmap", configMap, sources, pod, configMap.defaultMode));
  if (secret) {
    const source = { ...secret, name: secret.secretName ?? "" };
    return new Map(keyed("secret", source, sources, pod, secret.defaultMode));
  }
  if (downwardAPI) return new Map(downward(downwardAPI.items, pod, node, downwardAPI.defaultMode));
  if (projected) return projectedPayload(pod, projected, sources, node);
  return undefined;
}

type Projected = NonNullable<Volume["projected"]>;
type Entry = readonly [string, ProjectedFile];

function projectedPayload(
  pod: Pod,
  { sources: parts = [], defaultMode: mode }: Projected,
  sources: VolumeSources,
  node: NodeFacts,
): Payload {
  const entries = parts.flatMap((part): readonly Entry[] => {
    if (part.configMap) return keyed("configmap", part.configMap, sources, pod, mode);
    if (part.secret) return keyed("secret", part.secret, sources, pod, mode);
    if (part.downwardAPI) return downward(part.downwardAPI.items, pod, node, mode);
    if (!part.serviceAccountToken) return [];
    const { path, audience = "", expirationSeconds = defaultTokenSeconds } = part.serviceAccountToken;
    const content = Buffer.from(sources.token(audience, expirationSeconds));
    return [[path, { content, mode: tokenMode(pod, mode) }]];
  });
  return new Map(entries);
}

/** Who runs as one user may alone read its token; with a group, the group may too (pkg/volume/projected). */
function tokenMode({ spec }: Pod, mode = defaultMode): number {
  return spec.securityContext?.fsGroup === undefined ? mode : 0o600 | (mode & 0o040) | 0o040;
}

function keyed(
  kind: "configmap" | "secret",
  { name = "", items, optional }: KeyedSource,
  sources: VolumeSources,
  { metadata }: Pod,
  mode = defaultMode,
): readonly Entry[] {
  const data = kind === "configmap" ? sources.configMap(name) : sources.secret(name);
  if (!data && !optional) throw new Error(`${kind} "${name}" not found`);
  const all = data ?? new Map<string, Buffer>();
  if (!items || items.length === 0) return [...all].map(([key, content]) => [key, { content, mode }]);
  return items.flatMap((item): readonly Entry[] => {
    const content = all.get(item.key);
    if (content) return [[item.path, { content, mode: item.mode ?? mode }]];
    if (optional) return [];
    const kindText = kind === "configmap" ? "configmap" : "secret";
    throw new Error(`references non-existent ${kindText} key: ${metadata.namespace}/${name}/${item.key}`);
  });
}

type DownwardItem = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>[number];

function downward(
  items: readonly DownwardItem[] = [],
  pod: Pod,
  node: NodeFacts,
  mode = defaultMode,
): readonly Entry[] {
  return items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
    const text = fieldRef
      ? fieldOf(pod, fieldRef.fieldPath, node)
      : resourceFieldRef
        ? resourceOf(pod, undefined, resourceFieldRef, node)
        : "";
    return [path, { content: Buffer.from(text), mode: own ?? mode }];
  });
}
