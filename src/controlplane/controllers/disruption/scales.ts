/** How many pods the controllers of some pods want (upstream: disruption.go, getExpectedScale). */
import type { Client } from "../../../api/client.ts";
import { discover, type ServedResource } from "../../../api/discovery.ts";
import type { Informers } from "../../../api/informers.ts";
import { apiVersionOf, qualifiedName, resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { KubeObject, OwnerReference, Pod } from "../../../model/kubernetes.ts";
import type { Clock } from "../../../reconcile/clock.ts";
import { controllerOf } from "../ownership.ts";

const { deployments, replicaSets, replicationControllers, statefulSets } = resourceTypes;
/** How long it is believed what kinds there are, in ms. */
const kindsMs = 30_000;

export interface Scale {
  readonly replicas: number;
  /** Names of pods that nobody controls. */
  readonly unmanaged: readonly string[];
}

interface Controlled {
  readonly uid: string;
  readonly replicas: number;
}

type Replicated = KubeObject & { readonly spec: { readonly replicas?: number } };

export class Scales {
  readonly #client: Client;
  readonly #informers: Informers;
  readonly #clock: Clock;
  #kinds: { readonly untilMs: number; readonly resources: readonly ServedResource[] } | undefined;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#informers = informers;
    this.#clock = clock;
    for (const type of [deployments, replicaSets, replicationControllers, statefulSets]) informers.of<Replicated>(type);
  }

  /** @throws Error where a controller cannot be found, or cannot be scaled */
  async of(pods: readonly Pod[]): Promise<Scale> {
    const wanted = new Map<string, number>();
    const looked = new Set<string>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (!reference) unmanaged.push(pod.metadata.name);
      if (!reference || looked.has(reference.uid)) continue;
      looked.add(reference.uid);
      const found = await this.#find(reference, pod.metadata.namespace!);
      if (!found) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
      wanted.set(found.uid, found.replicas);
    }
    return { replicas: [...wanted.values()].reduce((sum, one) => sum + one, 0), unmanaged };
  }

  async #find(reference: OwnerReference, namespace: string): Promise<Controlled | undefined> {
    const { kind, apiVersion } = reference;
    const isOf = (type: { group: string; version: string; kind: string }): boolean =>
      kind === type.kind && apiVersion === apiVersionOf(type);
    if (isOf(replicaSets)) return this.#ofReplicaSet(reference, namespace);
    if (isOf(replicationControllers)) return this.#known(replicationControllers, reference, namespace);
    if (isOf(statefulSets)) return this.#known(statefulSets, reference, namespace);
    return this.#ofScale(reference, namespace);
  }

  /** Of a Deployment's the Deployment: it may have several. */
  #ofReplicaSet(reference: OwnerReference, namespace: string): Controlled | undefined {
    const set = this.#read<Replicated>(replicaSets, reference, namespace);
    const owner = set && controllerOf(set);
    if (owner?.kind === deployments.kind) return this.#known(deployments, owner, namespace);
    return set && controlled(set);
  }

  #known(
    type: (typeof resourceTypes)["deployments" | "statefulSets" | "replicationControllers"],
    reference: OwnerReference,
    namespace: string,
  ) {
    const found = this.#read<Replicated>(type, reference, namespace);
    return found && controlled(found);
  }

  #read<T extends KubeObject>(
    type: (typeof resourceTypes)["deployments" | "statefulSets" | "replicationControllers" | "replicaSets"],
    { name, uid }: OwnerReference,
    namespace: string,
  ): T | undefined {
    const found = this.#informers.find(type)?.objects.get(`${namespace}/${name}`) as T | undefined;
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** Anything else that can be scaled, custom resources too. */
  async #ofScale({ apiVersion, kind, name, uid }: OwnerReference, namespace: string): Promise<Controlled | undefined> {
    const resources = await this.#resources();
    const type = resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
    if (!type) throw new Error(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`);
    const base = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
    const path = `${base}/namespaces/${namespace}/${type.plural}/${name}`;
    try {
      const scale = (await this.#client.read(`${path}/scale`)) as Replicated;
      return scale.metadata.uid === uid ? { uid, replicas: scale.spec.replicas ?? 0 } : undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Either it is not there, or it is and has no scale.
      if (!(await this.#isHere(path))) return undefined;
      throw new Error(`${qualifiedName(type)} does not implement the scale subresource`, { cause: error });
    }
  }

  async #isHere(path: string): Promise<boolean> {
    try {
      await this.#client.read(path);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async #resources(): Promise<readonly ServedResource[]> {
    const now = this.#clock.now();
    if (!this.#kinds || this.#kinds.untilMs <= now) {
      const { resources } = await discover(this.#client);
      this.#kinds = { untilMs: now + kindsMs, resources };
    }
    return this.#kinds.resources;
  }
}

function controlled({ metadata, spec }: Replicated): Controlled {
  return { uid: metadata.uid, replicas: spec.replicas ?? 1 };
}
