/** /api and /apis: which groups, versions and resources there are. */
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import type { Routes } from "../routes.ts";
import type { Resource } from "../resources/resource.ts";
import type { Endpoint } from "../verbs/endpoint.ts";

/** @returns undefined where the path is no discovery path */
export function discoveryResponse(routes: Routes, { info }: RequestContext): ApiResponse | undefined {
  const segments = info.path.split("/").filter((segment) => segment !== "");
  const endpoints = [...routes.endpoints()];
  if (segments[0] === "api") {
    if (segments.length === 1)
      return jsonResponse(200, { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] });
    return segments[1] === "v1" ? jsonResponse(200, resourceList("", "v1", endpoints)) : undefined;
  }
  if (segments[0] !== "apis") return undefined;
  if (segments.length === 1) {
    return jsonResponse(200, {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groupNames(endpoints).map((name) => groupOf(name, endpoints)),
    });
  }
  const [, group = "", version] = segments;
  if (!groupNames(endpoints).includes(group)) return undefined;
  if (version === undefined)
    return jsonResponse(200, { kind: "APIGroup", apiVersion: "v1", ...groupOf(group, endpoints) });
  const known = endpoints.some((e) => e.resource.group === group && e.version.version === version);
  return known ? jsonResponse(200, resourceList(group, version, endpoints)) : undefined;
}

function groupNames(endpoints: readonly Endpoint[]): string[] {
  return [...new Set(endpoints.map((e) => e.resource.group))].filter((name) => name !== "");
}

function groupOf(name: string, endpoints: readonly Endpoint[]) {
  const versions = [...new Set(endpoints.filter((e) => e.resource.group === name).map((e) => e.version.version))];
  const listed = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resourceList(group: string, version: string, endpoints: readonly Endpoint[]): object {
  const resources = endpoints
    .filter((e) => e.resource.group === group && e.version.version === version)
    .flatMap((e) => [resourceEntry(e.resource), ...subresourceEntries(e.resource)]);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources,
  };
}

function resourceEntry(resource: Resource): object {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
  };
}

function subresourceEntries(resource: Resource): object[] {
  return resource.subresources.map((subresource) => ({
    name: `${resource.plural}/${subresource.name}`,
    singularName: "",
    namespaced: resource.namespaced,
    kind: subresource.kind ?? resource.kind,
    ...(subresource.group === undefined ? {} : { group: subresource.group, version: subresource.version }),
    verbs: subresource.verbs,
  }));
}
