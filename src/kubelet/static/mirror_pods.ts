/** Objects of the API that show static pods: made, kept, and deleted behind what they show (pkg/kubelet/pod/mirror_client.go). */
import { keyOf, keyText, type Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isAlreadyExists, isNotFound } from "../../api/status_error.ts";
import type { New, Node, Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { configHashAnnotation, configMirrorAnnotation, isMirrorPod } from "../pods/names.ts";

const firstRetryMs = 250;
const longestRetryMs = 30_000;
/** kubectl looks twice whether what it deleted is gone, and takes the next of the name for it: it is made a moment later. */
const betweenMs = 300;

export interface MirrorOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** As it is registered: a mirror belongs to it. */
  readonly node: () => Node | undefined;
  /** The static pod of this key that is to be seen. */
  readonly wanted: (key: string) => Pod | undefined;
  /** Whether it is known which static pods there are, and which mirrors. */
  readonly isComplete: () => boolean;
  /** Whether something of a static pod of this key still runs. */
  readonly isEnding: (key: string) => boolean;
  /** Another mirror, or none, shows this pod now. */
  readonly onChange: (key: string) => void;
  readonly onError: (attempted: string, error: unknown) => void;
}

export class MirrorPods {
  readonly #options: MirrorOptions;
  readonly #mirrors = new Map<string, Pod>();
  readonly #busy = new Set<string>();
  readonly #retries = new Map<string, { ms: number; cancel: () => void }>();
  #isStopped = false;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  put(mirror: Pod): void {
    this.#changed(keyText(keyOf(mirror)), mirror);
  }

  removed(mirror: Pod): void {
    const key = keyText(keyOf(mirror));
    if (this.#mirrors.get(key)?.metadata.uid === mirror.metadata.uid) this.#changed(key, undefined);
  }

  /** What shows it, as it is. */
  of(pod: Pod): Pod | undefined {
    const mirror = this.#mirrors.get(keyText(keyOf(pod)));
    return mirror && shows(mirror, pod) ? mirror : undefined;
  }

  look(key: string): void {
    if (this.#isStopped || this.#busy.has(key)) return;
    const step = this.#step(key);
    if (!step) return;
    this.#busy.add(key);
    this.#retries.get(key)?.cancel();
    void step().then(
      () => this.#done(key),
      (error: unknown) => this.#failed(key, error),
    );
  }

  lookAtAll(): void {
    for (const key of this.#mirrors.keys()) this.look(key);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { cancel } of this.#retries.values()) cancel();
  }

  #changed(key: string, mirror: Pod | undefined): void {
    if (mirror) this.#mirrors.set(key, mirror);
    else this.#mirrors.delete(key);
    this.#options.onChange(key);
    this.look(key);
  }

  #step(key: string): (() => Promise<void>) | undefined {
    const { wanted, isComplete, isEnding, node } = this.#options;
    const pod = wanted(key);
    const mirror = this.#mirrors.get(key);
    if (mirror && pod && shows(mirror, pod)) return undefined;
    if (mirror && (pod || (isComplete() && !isEnding(key)))) return () => this.#delete(mirror);
    const owner = node();
    return pod && owner && isComplete() ? () => this.#create(pod, owner) : undefined;
  }

  async #create(pod: Pod, { metadata: { name, uid } }: Node): Promise<void> {
    const annotations = pod.metadata.annotations ?? {};
    const object: New<Pod> = {
      metadata: {
        name: pod.metadata.name,
        namespace: pod.metadata.namespace!,
        ...(pod.metadata.labels ? { labels: pod.metadata.labels } : {}),
        annotations: { ...annotations, [configMirrorAnnotation]: annotations[configHashAnnotation]! },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid, controller: true }],
      },
      spec: pod.spec,
    };
    try {
      this.#made(await this.#options.client.create(resourceTypes.pods, object));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      // Made by the kubelet that was here before, and not yet seen; or another pod of the name is in the way.
      const there = await this.#options.client.get(resourceTypes.pods, keyOf(pod));
      if (!isMirrorPod(there)) throw new Error("a pod of the name is there, and is no mirror", { cause: error });
      this.#made(there);
    }
  }

  #made(mirror: Pod): void {
    const key = keyText(keyOf(mirror));
    if (this.#mirrors.has(key)) return;
    this.#mirrors.set(key, mirror);
    this.#options.onChange(key);
  }

  async #delete(mirror: Pod): Promise<void> {
    const key = keyText(keyOf(mirror));
    const preconditions = { uid: mirror.metadata.uid };
    try {
      await this.#options.client.delete(resourceTypes.pods, keyOf(mirror), { gracePeriodSeconds: 0, preconditions });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (mirror.metadata.deletionTimestamp !== undefined) {
      await new Promise<void>((resolve) => this.#options.clock.after(betweenMs, resolve));
    }
    if (this.#mirrors.get(key)?.metadata.uid === mirror.metadata.uid) this.#mirrors.delete(key);
  }

  #done(key: string): void {
    this.#retries.delete(key);
    this.#busy.delete(key);
    this.look(key);
  }

  #failed(key: string, error: unknown): void {
    this.#busy.delete(key);
    if (this.#isStopped) return;
    this.#options.onError(`keep the mirror of static pod ${key}`, error);
    const ms = Math.min(longestRetryMs, (this.#retries.get(key)?.ms ?? firstRetryMs / 2) * 2);
    this.#retries.set(key, { ms, cancel: this.#options.clock.after(ms, () => this.look(key)) });
  }
}

function shows({ metadata }: Pod, pod: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return metadata.annotations?.[configMirrorAnnotation] === pod.metadata.annotations?.[configHashAnnotation];
}
