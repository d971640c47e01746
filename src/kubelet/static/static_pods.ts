/** Static pods: wanted by files and a URL, run whether an API server answers or not, and shown there by mirrors. */
import { keyOf, keyText, type Client } from "../../api/client.ts";
import type { Node, Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { FileSource, type SourceOptions } from "./file_source.ts";
import type { SourceKind } from "./manifest.ts";
import { MirrorPods } from "./mirror_pods.ts";
import { UrlSource } from "./url_source.ts";

/** Those that run pods. */
export interface PodRunner {
  has(uid: string): boolean;
  /** Whether something of a pod of this namespace and name is there, whoever wanted it. */
  hasNamed(key: string): boolean;
  begin(pod: Pod): void;
  /** It is wanted no more. */
  end(uid: string): void;
  wake(uid: string): void;
}

export interface StaticPodsSettings {
  readonly nodeName: string;
  readonly path: string;
  readonly url: string;
  readonly urlHeader: Readonly<Record<string, readonly string[]>>;
  readonly fileCheckMs: number;
  readonly httpCheckMs: number;
}

export interface StaticPodsOptions {
  readonly settings: StaticPodsSettings;
  readonly client: Client;
  readonly clock: Clock;
  readonly node: () => Node | undefined;
  readonly onError: (attempted: string, error: unknown) => void;
}

export class StaticPods {
  readonly mirrors: MirrorPods;
  readonly #options: StaticPodsOptions;
  readonly #runner: PodRunner;
  readonly #sources: readonly { start(): void; stop(): void }[];
  readonly #unseen = new Set<SourceKind>();
  readonly #wanted = new Map<SourceKind, readonly Pod[]>();
  readonly #onComplete: (() => void)[] = [];
  #knowsMirrors = false;

  constructor(options: StaticPodsOptions, runner: PodRunner) {
    this.#options = options;
    this.#runner = runner;
    const { settings, client, clock, node, onError } = options;
    this.mirrors = new MirrorPods({
      client,
      clock,
      node,
      wanted: (key) => this.#named(key),
      isComplete: () => this.#knowsMirrors && this.#unseen.size === 0,
      isEnding: (key) => runner.hasNamed(key),
      onChange: (key) => {
        const pod = this.#named(key);
        if (pod) runner.wake(pod.metadata.uid);
      },
      onError,
    });
    const { path, url, urlHeader: headers } = settings;
    this.#sources = [
      ...(path === "" ? [] : [new FileSource(path, this.#of("file", settings.fileCheckMs))]),
      ...(url === "" ? [] : [new UrlSource(url, { ...this.#of("http", settings.httpCheckMs), headers })]),
    ];
  }

  start(): void {
    for (const source of this.#sources) source.start();
  }

  stop(): void {
    for (const source of this.#sources) source.stop();
    this.mirrors.stop();
  }

  /** Resolves when each source has said what it wants: only then is it known what nobody wants. */
  async complete(): Promise<void> {
    if (this.#unseen.size > 0) await new Promise<void>((resolve) => this.#onComplete.push(resolve));
  }

  /** The API's mirrors are known, and the node that they belong to. */
  reachedApi(): void {
    this.#knowsMirrors = true;
    this.#lookAtMirrors();
  }

  /** Nothing of a pod of this key is left: another of the name has its turn. */
  ended(key: string): void {
    this.#begin();
    this.mirrors.look(key);
  }

  #of(kind: SourceKind, periodMs: number): SourceOptions {
    this.#unseen.add(kind);
    const { settings, clock, onError } = this.#options;
    return { nodeName: settings.nodeName, clock, periodMs, onPods: (pods) => this.#set(kind, pods), onError };
  }

  #set(kind: SourceKind, pods: readonly Pod[]): void {
    const before = this.#wanted.get(kind) ?? [];
    this.#wanted.set(kind, pods);
    const uids = new Set(this.#all.map(({ metadata }) => metadata.uid));
    for (const { metadata } of before) if (!uids.has(metadata.uid)) this.#runner.end(metadata.uid);
    this.#begin();
    if (this.#unseen.delete(kind) && this.#unseen.size === 0) {
      for (const resolve of this.#onComplete.splice(0)) resolve();
    }
    for (const pod of before) this.mirrors.look(keyText(keyOf(pod)));
    this.#lookAtMirrors();
  }

  get #all(): readonly Pod[] {
    return [...this.#wanted.values()].flat();
  }

  /** Of two of one name, that which runs: the other waits (pkg/kubelet, pod_workers.go allowStaticPodStart). */
  #named(key: string): Pod | undefined {
    const pods = this.#all.filter((pod) => keyText(keyOf(pod)) === key);
    return pods.find(({ metadata }) => this.#runner.has(metadata.uid)) ?? pods[0];
  }

  #begin(): void {
    for (const pod of this.#all) {
      if (!this.#runner.has(pod.metadata.uid) && !this.#runner.hasNamed(keyText(keyOf(pod)))) this.#runner.begin(pod);
    }
  }

  #lookAtMirrors(): void {
    this.mirrors.lookAtAll();
    for (const pod of this.#all) this.mirrors.look(keyText(keyOf(pod)));
  }
}
