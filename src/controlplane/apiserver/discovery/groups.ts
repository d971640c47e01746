/** What there is, by group and version, in the order in which clients are told: the source of every discovery document. */
import { createHash } from "node:crypto";
import type { Resource, Subresource } from "../resources/resource.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { compareGroups, compareVersions } from "./order.ts";

export interface Group {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly GroupVersion[];
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  /** By name. */
  readonly resources: readonly Entry[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface Entry {
  readonly resource: Resource;
  readonly storageVersionHash: string | undefined;
  readonly subresources: readonly SubresourceEntry[];
}

export interface SubresourceEntry {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly kind: GroupVersionKind;
}

type Served = Pick<Endpoint, "resource" | "version">;

/** Groups of the endpoints, the core group among them. */
export function groupsOf(endpoints: Iterable<Served>): readonly Group[] {
  const groups = new Map<string, Map<string, Served[]>>();
  for (const endpoint of endpoints) {
    const versions = getOrMake(groups, endpoint.resource.group, () => new Map<string, Served[]>());
    getOrMake(versions, endpoint.version.version, () => []).push(endpoint);
  }
  return [...groups]
    .sort(([a], [b]) => compareGroups(a, b))
    .map(([name, versions]) => ({ name, versions: orderedVersions(name, versions) }));
}

function orderedVersions(group: string, versions: ReadonlyMap<string, Served[]>): GroupVersion[] {
  return [...versions]
    .sort(([a], [b]) => compareVersions(a, b))
    .map(([version, served]) => ({
      group,
      version,
      resources: served.map((one) => entryOf(one)).sort((a, b) => (a.resource.plural < b.resource.plural ? -1 : 1)),
    }));
}

function entryOf({ resource, version }: Served): Entry {
  const own = { group: resource.group, version: version.version, kind: resource.kind };
  return {
    resource,
    storageVersionHash: storageVersionHash(resource),
    subresources: resource.subresources
      .map((subresource) => subresourceEntry(resource, subresource, own))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** Kinds of the options of what connects to a pod, node or service: their bodies are streams. */
const connectKinds: Readonly<Record<string, string>> = {
  "nodes/proxy": "NodeProxyOptions",
  "pods/attach": "PodAttachOptions",
  "pods/exec": "PodExecOptions",
  "pods/portforward": "PodPortForwardOptions",
  "pods/proxy": "PodProxyOptions",
  "services/proxy": "ServiceProxyOptions",
};

function subresourceEntry(resource: Resource, subresource: Subresource, own: GroupVersionKind): SubresourceEntry {
  const { name, verbs, kind, group, version } = subresource;
  const connects = resource.group === "" ? connectKinds[`${resource.plural}/${name}`] : undefined;
  return {
    name,
    // A proxy passes every method on.
    verbs: connects !== undefined && name === "proxy" ? [...new Set([...verbs, "delete"])].sort() : verbs,
    kind: {
      group: group ?? own.group,
      version: version ?? own.version,
      kind: connects ?? kind ?? own.kind,
    },
  };
}

/** Bytes of the hash that are shown. */
const hashBytes = 8;

/** Tells clients that the stored version changed (apiserver/pkg/endpoints/discovery/storageversionhash.go). */
function storageVersionHash({ group, kind, versions, verbs, storedAs }: Resource): string | undefined {
  if (!verbs.includes("list")) return undefined;
  // What two groups show is stored in the core group's form.
  const storedIn = storedAs.includes("/") ? group : "";
  const text = `${storedIn}/${versions[0].version}/${kind}`;
  return createHash("sha256").update(text).digest().subarray(0, hashBytes).toString("base64");
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
