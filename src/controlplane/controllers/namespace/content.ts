/** Deletes what is in a namespace, and tells what remains. */
import type { Client } from "../../../api/client.ts";
import { discover, serves, type ServedResource } from "../../../api/discovery.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isMethodNotAllowed, isNotFound } from "../../../api/status_error.ts";
import type { KubeObject, Namespace } from "../../../model/kubernetes.ts";
import type { Content, Progress } from "./conditions.ts";
import { graceLeft, isPods, longestGrace, mayDeleteRest, unexpected } from "./plan.ts";

const pageSize = 500;
/** Dependents go because the namespace does: nothing is to wait for them, or be left over. */
const background = { propagationPolicy: "Background" } as const;

export interface Removal {
  readonly progress: Progress;
  /** Longest grace period of the pods that were there, in s. */
  readonly podSeconds: number;
}

/** Asks for the deletion of everything in it: pods first, the rest once they are gone. */
export async function removeContent(client: Client, namespace: Namespace, nowMs: number): Promise<Removal> {
  const { resources, failures } = await discover(client);
  const deletable = resources.filter((one) => one.namespaced && one.isPreferred && serves(one, "delete"));
  const name = namespace.metadata.name;
  const pods = deletable.find((type) => isPods({ type }));
  const podSeconds = pods ? longestGrace((await client.list(resourceTypes.pods, { namespace: name })).items) : 0;
  const left = graceLeft(namespace, podSeconds, nowMs);
  const contents: Content[] = [];
  if (pods) contents.push(await removeAll(client, name, pods, left));
  if (mayDeleteRest(contents[0])) {
    for (const type of deletable) if (type !== pods) contents.push(await removeAll(client, name, type, 0));
  }
  return { progress: { contents, ...discoveryError(failures) }, podSeconds };
}

function discoveryError(failures: ReadonlyMap<string, Error>): Pick<Progress, "discoveryError"> {
  if (failures.size === 0) return {};
  const each = [...failures].map(([groupVersion, { message }]) => `${groupVersion}: ${message}`).join(", ");
  const all = `unable to retrieve the complete list of server APIs: ${each}`;
  return { discoveryError: `Discovery failed for some groups, ${failures.size} failing: ${all}` };
}

async function removeAll(
  client: Client,
  namespace: string,
  type: ServedResource,
  graceSeconds: number,
): Promise<Content> {
  const nothing = { type, remaining: 0, finalizers: new Map<string, number>() };
  try {
    if (serves(type, "deletecollection")) await client.deleteCollection(type, { namespace, delete: background });
    else await removeEach(client, namespace, type);
    const content = await remaining(client, namespace, type);
    const error = unexpected(namespace, content, graceSeconds);
    return error === undefined ? content : { ...content, error };
  } catch (error) {
    // A custom resource whose definition went in between.
    if (isNotFound(error) || isMethodNotAllowed(error)) return nothing;
    return { ...nothing, error: (error as Error).message };
  }
}

async function removeEach(client: Client, namespace: string, type: ServedResource): Promise<void> {
  for await (const { metadata } of items(client, namespace, type)) {
    await client.delete(type, { namespace, name: metadata.name }, background).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

async function remaining(client: Client, namespace: string, type: ServedResource): Promise<Content> {
  const finalizers = new Map<string, number>();
  let count = 0;
  for await (const { metadata } of items(client, namespace, type)) {
    count++;
    for (const name of metadata.finalizers ?? []) finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  }
  return { type, remaining: count, finalizers };
}

async function* items(client: Client, namespace: string, type: ServedResource): AsyncGenerator<KubeObject> {
  if (!serves(type, "list")) return;
  let next: string | undefined;
  do {
    const page = await client.list<KubeObject>(type, {
      namespace,
      limit: pageSize,
      ...(next === undefined ? {} : { continue: next }),
    });
    yield* page.items;
    next = page.continue;
  } while (next !== undefined && next !== "");
}
