/** Which resources a server has, from its discovery documents (client-go, discovery ServerPreferredResources). */
import type { KubeObject } from "../model/kubernetes.ts";
import type { Client } from "./client.ts";
import type { ResourceType } from "./resource_types.ts";
import { isNotFound } from "./status_error.ts";

export interface ServedResource extends ResourceType<KubeObject> {
  readonly verbs: readonly string[];
  /** Whether its version is the one that the group prefers. */
  readonly isPreferred: boolean;
}

export interface Discovered {
  /** In every version that is served; subresources are not among them. */
  readonly resources: readonly ServedResource[];
  /** Versions of groups that could not be read, with what was said. */
  readonly failures: ReadonlyMap<string, Error>;
}

interface GroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly groupVersion: string }[];
  }[];
}

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/** @throws StatusError where not even the groups can be read */
export async function discover(client: Client): Promise<Discovered> {
  const { groups } = (await client.read("/apis")) as GroupList;
  const resources: ServedResource[] = [];
  const failures = new Map<string, Error>();
  for (const { versions } of [{ versions: [{ groupVersion: "v1" }] }, ...groups]) {
    const known = new Set<string>();
    for (const { groupVersion } of versions) {
      const list = await readVersion(client, groupVersion, failures);
      const served = list?.resources.filter(({ name }) => !name.includes("/")) ?? [];
      // Versions come preferred first: a resource that it lacks is preferred in the first that has it.
      for (const one of served) resources.push(servedResource(groupVersion, one, !known.has(one.name)));
      for (const { name } of served) known.add(name);
    }
  }
  return { resources, failures };
}

async function readVersion(
  client: Client,
  groupVersion: string,
  failures: Map<string, Error>,
): Promise<ResourceList | undefined> {
  const path = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  try {
    return (await client.read(path)) as ResourceList;
  } catch (error) {
    // A group that went between the two requests.
    if (!isNotFound(error)) failures.set(groupVersion, error as Error);
    return undefined;
  }
}

function servedResource(
  groupVersion: string,
  { name, kind, namespaced, verbs }: ResourceList["resources"][number],
  isPreferred: boolean,
): ServedResource {
  const slash = groupVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    plural: name,
    kind,
    namespaced,
    verbs,
    isPreferred,
  };
}

/** Whether all the verbs are served. */
export function serves({ verbs }: ServedResource, ...wanted: readonly string[]): boolean {
  return wanted.every((verb) => verbs.includes(verb));
}
