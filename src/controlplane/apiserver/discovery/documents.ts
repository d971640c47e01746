/** Discovery documents: one list a group and version (meta/v1), or everything in one (apidiscovery.k8s.io, KEP-3352). */
import type { Entry, Group, GroupVersion, SubresourceEntry } from "./groups.ts";

export function apiVersions(): object {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

export function apiGroupList(groups: readonly Group[]): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupEntry) };
}

export function apiGroup(group: Group): object {
  return { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group) };
}

function groupEntry({ name, versions }: Group): object {
  const listed = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

export function apiResourceList(served: GroupVersion): object {
  const { group, version } = served;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: served.resources.flatMap((entry) => [
      resourceEntry(entry),
      ...entry.subresources.map((subresource) => subresourceEntry(entry, subresource, served)),
    ]),
  };
}

function resourceEntry({ resource, storageVersionHash }: Entry): object {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...namesOf(resource),
    ...(storageVersionHash === undefined ? {} : { storageVersionHash }),
  };
}

function subresourceEntry({ resource }: Entry, { name, verbs, kind }: SubresourceEntry, served: GroupVersion): object {
  const isOwn = kind.group === served.group && kind.version === served.version;
  return {
    name: `${resource.plural}/${name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(isOwn ? {} : { group: kind.group, version: kind.version }),
    kind: kind.kind,
    verbs,
  };
}

function namesOf({ shortNames, categories }: Entry["resource"]): object {
  return {
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

export type AggregatedVersion = "v2" | "v2beta1";

export function apiGroupDiscoveryList(groups: readonly Group[], version: AggregatedVersion): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: group.name === "" ? {} : { name: group.name },
      versions: group.versions.map((served) => ({
        version: served.version,
        resources: served.resources.map((entry) => resourceDiscovery(entry, served)),
        freshness: "Current",
      })),
    })),
  };
}

function resourceDiscovery({ resource, subresources }: Entry, { group, version }: GroupVersion): object {
  return {
    resource: resource.plural,
    responseKind: { group, version, kind: resource.kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...namesOf(resource),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ name, verbs, kind }) => ({ subresource: name, responseKind: kind, verbs })),
        }),
  };
}
