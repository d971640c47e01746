/** All pods of this node: those that the API wants, and those that the runtime has. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { keyOf, keyText } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { Pod } from "../../model/kubernetes.ts";
import { removeVolumes } from "../volumes/pod_volumes.ts";
import type { PodDeps } from "./deps.ts";
import { graceAnnotation, podNameLabel, podNamespaceLabel, podUidLabel } from "./names.ts";
import type { Listed } from "./observe.ts";
import { podUidOf } from "./observed.ts";
import { PodWorker } from "./worker.ts";

const maxUnclaimed = 1000;

export class PodManager {
  readonly #deps: PodDeps;
  readonly #informer: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  #found = new Map<string, Listed>();
  /** Of what was heard: a container may end before it is known that it was started. */
  readonly #unclaimed = new Set<string>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: PodDeps) {
    this.#deps = deps;
    const fieldSelector = `spec.nodeName=${deps.settings.nodeName}`;
    const onError = (error: unknown): void => deps.onError("follow the pods of this node", error);
    this.#informer = new Informer(deps.client, resourceTypes.pods, { fieldSelector, clock: deps.clock, onError });
  }

  /** Takes what the runtime has, once; from then on each pod is looked at alone. */
  async start(): Promise<void> {
    const { runtime } = this.#deps;
    const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()]);
    for (const sandbox of sandboxes) {
      const uid = podUidOf(sandbox);
      if (uid === undefined) continue;
      const own = containers.filter(({ podSandboxId }) => podSandboxId === sandbox.id);
      const before = this.#found.get(uid) ?? { sandboxes: [], containers: [] };
      this.#found.set(uid, {
        sandboxes: [...before.sandboxes, sandbox],
        containers: [...before.containers, ...own],
      });
    }
    this.#informer.start();
  }

  /** Pods are known from here on: those of the runtime that nobody wants any more are ended. */
  async adopt(timeoutMs: number): Promise<boolean> {
    if (!(await this.#informer.synced(timeoutMs))) return false;
    this.#unsubscribe = this.#informer.subscribe({
      onAdd: (pod) => this.#put(pod),
      onUpdate: (_before, pod) => this.#put(pod),
      onDelete: (pod) => this.#removed(pod),
    });
    for (const [uid, listed] of this.#found) if (!this.#workers.has(uid)) this.#endOrphan(uid, listed);
    this.#found = new Map();
    await this.#removeFolders();
    return true;
  }

  get pods(): readonly Pod[] {
    return [...this.#workers.values()].map(({ state }) => state.current);
  }

  get workers(): Iterable<PodWorker> {
    return this.#workers.values();
  }

  find(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()].find(({ state }) => {
      const { metadata } = state.pod;
      return metadata.namespace === namespace && metadata.name === name && !state.isGone;
    });
  }

  /** @returns whether something was heard of it before any pod knew it; it is told once */
  readonly wasHeard = (id: string): boolean => this.#unclaimed.delete(id);

  containerChanged(id: string): void {
    this.#unclaimed.add(id);
    const [oldest] = this.#unclaimed;
    if (oldest !== undefined && this.#unclaimed.size > maxUnclaimed) this.#unclaimed.delete(oldest);
    for (const worker of this.#workers.values()) {
      if (worker.knows(id))
        void worker.containerChanged(id).catch((error: unknown) => this.#deps.onError("observe", error));
    }
  }

  /** Some of what happened was not heard. */
  relistAll(): void {
    for (const worker of this.#workers.values()) void worker.relist();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#informer.stop();
    for (const worker of this.#workers.values()) worker.stop();
    this.#workers.clear();
  }

  #put(pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker) return worker.update(pod);
    void this.#begin(pod).load(this.#found.get(uid));
  }

  #removed({ metadata: { uid } }: Pod): void {
    const worker = this.#workers.get(uid);
    if (worker?.state.isReleased) this.#workers.delete(uid);
    else worker?.removed();
  }

  #begin(pod: Pod): PodWorker {
    const { uid } = pod.metadata;
    const worker = new PodWorker({ ...this.#deps, wasHeard: this.wasHeard }, pod, () => {
      // What the API still shows must not be begun anew by its last events.
      const shown = this.#informer.objects.get(keyText(keyOf(pod)));
      if (shown?.metadata.uid !== uid) this.#workers.delete(uid);
    });
    this.#workers.set(uid, worker);
    return worker;
  }

  /** A pod that was removed while no kubelet ran: what is known of it is what its sandbox bears. */
  #endOrphan(uid: string, listed: Listed): void {
    const labels = listed.sandboxes[0]!.labels;
    const grace = Number(listed.containers[0]?.annotations[graceAnnotation] ?? 0);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: labels[podNameLabel] ?? "",
        namespace: labels[podNamespaceLabel] ?? "",
        uid: labels[podUidLabel] ?? uid,
        resourceVersion: "",
        creationTimestamp: "",
      },
      spec: { containers: [], terminationGracePeriodSeconds: grace },
    } as unknown as Pod;
    const worker = this.#begin(pod);
    worker.state.isGone = true;
    void worker.load(listed);
  }

  /** Folders of pods that neither the API nor the runtime knows. */
  async #removeFolders(): Promise<void> {
    const { folders } = this.#deps.settings;
    for (const uid of await readdir(path.join(folders.root, "pods")).catch(() => [])) {
      if (this.#workers.has(uid)) continue;
      await removeVolumes(folders, uid).catch((error: unknown) => this.#deps.onError("remove volumes", error));
    }
  }
}
