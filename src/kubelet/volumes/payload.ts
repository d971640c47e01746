/** What the files of a configMap, secret, downwardAPI or projected volume hold (pkg/volume/{configmap,secret,projected}). */
import type { Pod } from "../../model/kubernetes.ts";
import { allContainers } from "../pods/containers.ts";
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
  const entries = entriesOf(pod, volume, sources, node);
  if (!entries) return undefined;
  const isShared = pod.spec.securityContext?.fsGroup !== undefined;
  // What a group is given, it may read (pkg/volume/volume_linux.go).
  return new Map(entries.map(([path, file]) => [path, isShared ? { ...file, mode: file.mode | 0o440 } : file]));
}

function entriesOf(pod: Pod, volume: Volume, sources: VolumeSources, node: NodeFacts): readonly Entry[] | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return keyed("configmap", configMap, sources, configMap.defaultMode);
  if (secret) {
    const source = { ...secret, name: secret.secretName ?? "" };
    return keyed("secret", source, sources, secret.defaultMode);
  }
  if (downwardAPI) return downward(downwardAPI.items, pod, node, downwardAPI.defaultMode);
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
): readonly Entry[] {
  return parts.flatMap((part): readonly Entry[] => {
    if (part.configMap) return keyed("configmap", part.configMap, sources, mode);
    if (part.secret) return keyed("secret", part.secret, sources, mode);
    if (part.downwardAPI) return downward(part.downwardAPI.items, pod, node, mode);
    if (!part.serviceAccountToken) return [];
    const { path, audience = "", expirationSeconds = defaultTokenSeconds } = part.serviceAccountToken;
    const content = Buffer.from(sources.token(audience, expirationSeconds));
    const uid = soleUser(pod);
    const isPrivate = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
    return [
      [path, { content, mode: isPrivate ? 0o600 : (mode ?? defaultMode), ...(uid === undefined ? {} : { uid }) }],
    ];
  });
}

/** Where all containers run as one user, that one alone may read its token (pkg/volume/util, FsUserFrom). */
function soleUser(pod: Pod): number | undefined {
  const ofPod = pod.spec.securityContext?.runAsUser;
  const users = allContainers(pod)
    .filter(({ kind }) => kind !== "ephemeral")
    .map(({ spec }) => spec.securityContext?.runAsUser ?? ofPod);
  return new Set(users).size === 1 ? users[0] : undefined;
}

function keyed(
  kind: "configmap" | "secret",
  { name = "", items, optional }: KeyedSource,
  sources: VolumeSources,
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
    throw new Error(
      kind === "configmap"
        ? `configmap references non-existent config key: ${item.key}`
        : `references non-existent secret key: ${item.key}`,
    );
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
