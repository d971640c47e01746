/** All pods of this node: those that the API wants, and those that the runtime has. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { keyOf, keyText } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { Node, Pod } from "../../model/kubernetes.ts";
import type { Admission } from "../admission/admission.ts";
import type { Rejection } from "../admission/rejection.ts";
import { StaticPods, type StaticPodsSettings } from "../static/static_pods.ts";
import { removeVolumes } from "../volumes/pod_volumes.ts";
import type { PodDeps } from "./deps.ts";
import { graceAnnotation, isMirrorPod, isStaticPod, podNameLabel, podNamespaceLabel, podUidLabel } from "./names.ts";
import { listPod, type Listed } from "./observe.ts";
import { isRunning, podUidOf } from "./observed.ts";
import { isFinal } from "./status/phase.ts";
import { PodWorker } from "./worker.ts";

const maxUnclaimed = 1000;

export interface PodManagerOptions {
  readonly staticPods: StaticPodsSettings;
  readonly node: () => Node | undefined;
  /** No API server says which pods are wanted: files alone do. */
  readonly isStandalone: boolean;
  readonly admission: Admission;
}

/** When the runtime is asked for all that it has behind a start or a gap, in ms: a sandbox is made within four minutes. */
const sweepAfterMs = [5_000, 60_000, 250_000];

export class PodManager {
  readonly static: StaticPods;
  readonly #deps: PodDeps;
  readonly #isStandalone: boolean;
  readonly #admission: Admission;
  readonly #informer: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  #found = new Map<string, Listed>();
  #isComplete = false;
  /** Of what was heard: a container may end before it is known that it was started. */
  readonly #unclaimed = new Set<string>();
  #unsubscribe: (() => void) | undefined;
  #sweeps: readonly (() => void)[] = [];

  constructor(deps: PodDeps, { staticPods, node, isStandalone, admission }: PodManagerOptions) {
    this.#deps = deps;
    this.#admission = admission;
    this.#isStandalone = isStandalone;
    const { client, clock } = deps;
    this.static = new StaticPods(
      { settings: staticPods, client, clock, node, onError: deps.onError },
      {
        has: (uid) => this.#workers.has(uid),
        hasNamed: (key) => [...this.#workers.values()].some(({ state }) => keyText(keyOf(state.pod)) === key),
        begin: (pod) => this.#take(pod),
        end: (uid) => this.#end(uid),
        wake: (uid) => this.#workers.get(uid)?.wake(),
      },
    );
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
    // Before anything is heard of an API server: it may be one of them.
    this.static.start();
  }

  /** Pods are known from here on: those of the runtime that nobody wants any more are ended. */
  async adopt(timeoutMs: number): Promise<boolean> {
    if (!this.#isStandalone) this.#informer.start();
    if (!this.#isStandalone && !(await this.#informer.synced(timeoutMs))) return false;
    this.#unsubscribe = this.#informer.subscribe({
      onAdd: (pod) => this.#put(pod),
      onUpdate: (_before, pod) => this.#put(pod),
      onDelete: (pod) => this.#removed(pod),
    });
    if (!this.#isStandalone) this.static.reachedApi();
    void this.static.complete().then(() => this.#endOrphans());
    return true;
  }

  async #endOrphans(): Promise<void> {
    for (const [uid, listed] of this.#found) if (!this.#workers.has(uid)) this.#endOrphan(uid, listed);
    this.#found = new Map();
    this.#isComplete = true;
    await this.#removeFolders();
    await this.#deps.cgroups.removeLeftovers((uid) => this.#workers.has(uid));
    this.#sweepLater();
  }

  /** What a kubelet that was killed, or a runtime, was about to make comes when it was looked for already. */
  #sweepLater(): void {
    for (const cancel of this.#sweeps) cancel();
    this.#sweeps = sweepAfterMs.map((ms) =>
      this.#deps.clock.after(ms, () => {
        void this.#sweep().catch((error: unknown) => this.#deps.onError("look for what nobody wants", error));
      }),
    );
  }

  async #sweep(): Promise<void> {
    const { runtime } = this.#deps;
    for (const sandbox of await runtime.listPodSandboxes()) {
      const uid = podUidOf(sandbox);
      const worker = uid === undefined ? undefined : this.#workers.get(uid);
      if (worker && !worker.knows(sandbox.id)) await worker.relist();
      if (uid === undefined || worker) continue;
      const listed = await listPod(runtime, uid);
      if (listed.sandboxes.length > 0 && !this.#workers.has(uid)) this.#endOrphan(uid, listed);
    }
  }

  get pods(): readonly Pod[] {
    return [...this.#workers.values()].map(({ state }) => state.current);
  }

  /** Until all that runs has found its pod, everything may be some pod's. */
  isKnown(uid: string): boolean {
    return !this.#isComplete || this.#workers.has(uid);
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
    if (oldest !== undefined && this.#unclaimed.size > maxUnclaimed) {
      this.#unclaimed.delete(oldest);
      this.#deps.metrics?.eventDiscarded();
    }
    for (const worker of this.#workers.values()) {
      if (worker.knows(id))
        void worker.containerChanged(id).catch((error: unknown) => this.#deps.onError("observe", error));
    }
  }

  /** Some of what happened was not heard. */
  relistAll(): void {
    this.#sweepLater();
    for (const worker of this.#workers.values()) void worker.relist();
  }

  stop(): void {
    this.#unsubscribe?.();
    for (const cancel of this.#sweeps) cancel();
    this.static.stop();
    this.#informer.stop();
    for (const worker of this.#workers.values()) worker.stop();
    this.#workers.clear();
  }

  #put(pod: Pod): void {
    if (isMirrorPod(pod)) return this.static.mirrors.put(pod);
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker) return worker.update(pod);
    this.#take(pod);
  }

  /** What runs already goes on; what is new has to be let in. */
  #take(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    const found = this.#found.get(uid);
    const worker = this.#begin(pod);
    if (found || isFinal(pod.status?.phase) || deletionTimestamp !== undefined) return void worker.load(found);
    const begin = (rejection: Rejection | undefined): void => {
      if (rejection) this.#reject(worker, rejection);
      void worker.load(undefined);
    };
    const verdict = this.#admission.decide(pod, this.#others(uid));
    if (verdict instanceof Promise) void verdict.then(begin);
    else begin(verdict);
  }

  #reject(worker: PodWorker, rejection: Rejection): void {
    this.#deps.metrics?.rejected(rejection.reason);
    worker.reject(rejection);
  }

  /** Pods that have their place: also those of which it was heard and that are yet to be taken up again. */
  #others(uid: string): readonly Pod[] {
    const known = [...this.#workers.values()]
      .filter(({ state }) => !state.isRejected)
      .map(({ state }) => state.current);
    const coming = [...this.#informer.objects.values()].filter(
      (pod) => !this.#workers.has(pod.metadata.uid) && pod.status?.startTime !== undefined && !isMirrorPod(pod),
    );
    return [...known, ...coming].filter(
      (pod) => pod.metadata.uid !== uid && (!isFinal(pod.status?.phase) || this.#runs(pod.metadata.uid)),
    );
  }

  #runs(uid: string): boolean {
    return this.#workers.get(uid)?.state.observed.containers.some(isRunning) ?? false;
  }

  #removed(pod: Pod): void {
    if (isMirrorPod(pod)) this.static.mirrors.removed(pod);
    else this.#end(pod.metadata.uid);
  }

  #end(uid: string): void {
    const worker = this.#workers.get(uid);
    if (worker?.state.isReleased) this.#workers.delete(uid);
    else worker?.removed();
  }

  #begin(pod: Pod): PodWorker {
    const { uid } = pod.metadata;
    const mirrorOf = (one: Pod): Pod | undefined => this.static.mirrors.of(one);
    const worker: PodWorker = new PodWorker({ ...this.#deps, wasHeard: this.wasHeard, mirrorOf }, pod, () => {
      // What the API still shows must not be begun anew by its last events.
      const shown = this.#informer.objects.get(keyText(keyOf(pod)));
      if (shown?.metadata.uid !== uid) this.#workers.delete(uid);
      this.static.ended(keyText(keyOf(pod)));
      if (worker.state.isGone && this.#workers.has(uid)) this.#deps.metrics?.restarted(isStaticPod(pod));
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
    this.#deps.metrics?.orphanFound();
    const worker = this.#begin(pod);
    worker.state.isGone = true;
    worker.state.isRuntimeOnly = true;
    void worker.load(listed);
  }

  /** Folders of pods that neither the API nor the runtime knows. */
  async #removeFolders(): Promise<void> {
    const { settings, runProgram, metrics, onError } = this.#deps;
    const { folders } = settings;
    let failed = 0;
    const uids = await readdir(path.join(folders.root, "pods")).catch(() => []);
    const orphans = uids.filter((uid) => !this.#workers.has(uid));
    for (const uid of orphans) {
      await removeVolumes(folders, uid, runProgram).catch((error: unknown) => {
        failed++;
        onError("remove volumes", error);
      });
    }
    metrics?.volumesSwept(orphans.length - failed, failed);
  }
}
