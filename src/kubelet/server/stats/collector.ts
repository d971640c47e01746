/** Reads what the node and its pods use, once for all who ask within a second. */
import os from "node:os";
import path from "node:path";
import type { Clock } from "../../../reconcile/clock.ts";
import { podCgroupName, podsRoot, type CgroupPlace } from "../../cgroups/names.ts";
import type { CgroupTree } from "../../cgroups/tree.ts";
import type { RuntimeService, ImageService } from "../../cri/runtime.ts";
import { qosClassOf } from "../../pods/containers.ts";
import type { NodeMetrics } from "../../node/metrics.ts";
import { podFolder, podLogFolder, type Folders } from "../../pods/names.ts";
import { currentSandbox, isRunning, type ObservedContainer } from "../../pods/observed.ts";
import { decodeLinks, decodeMeminfo } from "../../stats/decode.ts";
import { diskUseOf, layerUse, type DiskUse } from "../../stats/disk_use.ts";
import { fileSystem, type FileSystem } from "../../stats/file_system.ts";
import { Groups, readOr } from "../../stats/groups.ts";
import { readPids } from "../../stats/pids.ts";
import type { PodIndex, PodView } from "../pod_index.ts";
import { readVolumes } from "./volumes.ts";
import type { ContainerSnapshot, Measured, NodeSnapshot, PodFiles, PodSnapshot, VolumeSnapshot } from "./snapshot.ts";

export interface CollectorOptions {
  readonly nodeName: string;
  readonly pods: PodIndex;
  readonly runtime: Pick<RuntimeService, "listContainerStats"> & Pick<ImageService, "imageFilesystems">;
  readonly tree: CgroupTree;
  readonly place: CgroupPlace;
  readonly folders: Folders;
  readonly clock: Clock;
  /** KubeletConfiguration's volumeStatsAggPeriod. */
  readonly volumeStatsMs: number;
  readonly metrics?: Pick<NodeMetrics, "volumeMeasured">;
}

/** What is younger is not read again, in ms. */
const freshMs = 1000;

export class StatsCollector {
  readonly #options: CollectorOptions;
  readonly #groups: Groups;
  #latest: Promise<NodeSnapshot> | undefined;
  #readAtMs = -Infinity;
  #isReading = false;
  #hasDisk = false;
  readonly #volumesOf = new Map<string, { readonly timeMs: number; readonly volumes: readonly VolumeSnapshot[] }>();
  /** CPU time of each group at the last look. */
  #before = new Map<string, { readonly timeMs: number; readonly nanos: number }>();
  #now = new Map<string, { readonly timeMs: number; readonly nanos: number }>();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#groups = new Groups(options.tree.hierarchies);
  }

  /** @param withDisk also what containers have written: the runtime has to be asked for that */
  async read(withDisk = false): Promise<NodeSnapshot> {
    // One at a time; those who come meanwhile get its answer where it has what they want.
    const fits = (): boolean =>
      (this.#hasDisk || !withDisk) && (this.#isReading || this.#options.clock.now() - this.#readAtMs < freshMs);
    while (this.#isReading && !fits()) await this.#latest?.catch(() => undefined);
    if (this.#latest && fits()) return this.#latest;
    this.#readAtMs = this.#options.clock.now();
    this.#isReading = true;
    this.#hasDisk = withDisk;
    this.#latest = this.#collect(withDisk).finally(() => (this.#isReading = false));
    this.#latest.catch(() => (this.#latest = undefined));
    return this.#latest;
  }

  async #collect(withDisk: boolean): Promise<NodeSnapshot> {
    const { nodeName, pods, runtime, folders, tree, place, clock } = this.#options;
    const [fs, imageFs, processes, layers] = await Promise.all([
      fileSystem(folders.root),
      imageFileSystem(runtime, folders.root),
      readPids(),
      withDisk ? writableLayers(runtime) : (new Map() as Layers),
    ]);
    const use = this.#measure("/");
    const allPods = this.#measure(tree.literal(podsRoot(place)));
    const snapshots: PodSnapshot[] = [];
    for (const view of pods.all()) {
      if (!currentSandbox(view.observed)?.isReady) continue;
      snapshots.push(await this.#pod(view, layers, withDisk));
      // Others have their turn between two pods.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#forgetOthers(snapshots);
    this.#before = this.#now;
    this.#now = new Map();
    return {
      name: nodeName,
      timeMs: clock.now(),
      bootMs: clock.now() - os.uptime() * 1000,
      cpus: os.availableParallelism(),
      use,
      memory: decodeMeminfo(readOr("/proc/meminfo") ?? ""),
      links: decodeLinks(readOr("/proc/net/dev") ?? ""),
      fs,
      imageFs,
      processes,
      allPods,
      pods: snapshots,
    };
  }

  /** Logs and volumes alone: no control group is read, and the runtime is not asked. */
  async files(): Promise<readonly PodFiles[]> {
    const found: PodFiles[] = [];
    for (const view of this.#options.pods.all()) {
      if (!currentSandbox(view.observed)?.isReady) continue;
      found.push(await this.#files(view));
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#forgetOthers(found);
    return found;
  }

  async #files(view: PodView): Promise<PodFiles> {
    const { current, observed } = view;
    const folder = podLogFolder(this.#options.folders, current);
    const running = observed.containers.filter(isRunning);
    const logs = await Promise.all(
      running.map(async ({ name }) => [name, (await diskUseOf(path.join(folder, name))).bytes] as const),
    );
    const { name, namespace = "", uid } = current.metadata;
    return { name, namespace, uid, logs: new Map(logs), volumes: this.#volumes(view) };
  }

  #forgetOthers(pods: readonly { readonly uid: string }[]): void {
    const uids = new Set(pods.map(({ uid }) => uid));
    for (const uid of this.#volumesOf.keys()) if (!uids.has(uid)) this.#volumesOf.delete(uid);
  }

  async #pod(view: PodView, layers: Layers, withDisk: boolean): Promise<PodSnapshot> {
    const { tree, place, folders } = this.#options;
    const { current, observed } = view;
    const { metadata, spec, status } = current;
    const group = tree.literal(podCgroupName(place, metadata.uid, qosClassOf(current)));
    const below = this.#groups.below(group);
    const running = observed.containers.filter(isRunning);
    const containers = await Promise.all(
      running.map((container) => {
        const name = below.find((one) => one.includes(container.id));
        const at = `${group}/${name ?? container.id}`;
        return this.#container(container, at, podLogFolder(folders, current), layers.get(container.id));
      }),
    );
    const [first] = below;
    const hasLinks = spec.hostNetwork !== true && first !== undefined;
    return {
      name: metadata.name,
      namespace: metadata.namespace ?? "",
      uid: metadata.uid,
      startedAtMs: Date.parse(status?.startTime ?? metadata.creationTimestamp) || 0,
      use: this.#measure(group),
      links: hasLinks ? this.#groups.links(`${group}/${first}`) : [],
      containers,
      volumes: withDisk ? this.#volumes(view) : [],
    };
  }

  async #container(
    { id, name, image, startedAtMs }: ObservedContainer,
    group: string,
    logFolder: string,
    rootfs: DiskUse | undefined,
  ): Promise<ContainerSnapshot> {
    const logs = await diskUseOf(path.join(logFolder, name));
    return { id, name, image, startedAtMs, use: this.#measure(group), rootfs, logs };
  }

  /** As counted last. It takes a look at each of their files: nobody waits for it, and it is done seldom. */
  #volumes({ current, volumes: prepared }: PodView): readonly VolumeSnapshot[] {
    const { clock, volumeStatsMs, folders, metrics } = this.#options;
    const { uid } = current.metadata;
    const known = this.#volumesOf.get(uid) ?? { timeMs: -Infinity, volumes: [] };
    if (volumeStatsMs > 0 && clock.now() - known.timeMs >= volumeStatsMs) {
      this.#volumesOf.set(uid, { ...known, timeMs: clock.now() });
      const folder = `${podFolder(folders, uid)}/volumes`;
      void readVolumes({ folder, spec: current.spec, prepared, metrics }).then((volumes) => {
        if (this.#volumesOf.has(uid)) this.#volumesOf.set(uid, { timeMs: clock.now(), volumes });
      });
    }
    return known.volumes;
  }

  #measure(group: string): Measured {
    const use = this.#groups.use(group);
    const timeMs = this.#options.clock.now();
    const nanos = use.cpu?.usageNanos ?? 0;
    const before = this.#before.get(group);
    this.#now.set(group, { timeMs, nanos });
    const passedMs = before ? timeMs - before.timeMs : 0;
    const usageNanoCores =
      before && passedMs > 0 && nanos >= before.nanos
        ? Math.round((nanos - before.nanos) / (passedMs / 1000))
        : undefined;
    return { ...use, group, timeMs, usageNanoCores };
  }
}

type Layers = ReadonlyMap<string, DiskUse>;

/** By a container's id: what it has written over its image. */
async function writableLayers(runtime: CollectorOptions["runtime"]): Promise<Layers> {
  const stats = await runtime.listContainerStats().catch(() => []);
  return new Map(
    stats.flatMap((one) => {
      const use = layerUse(one);
      return one.attributes && use ? [[one.attributes.id, use] as const] : [];
    }),
  );
}

/** What images take of the file system that they are on. */
async function imageFileSystem(runtime: CollectorOptions["runtime"], fallback: string): Promise<FileSystem> {
  const [first] = await runtime.imageFilesystems().catch(() => []);
  const mountpoint = first?.fsId?.mountpoint ?? fallback;
  const whole = await fileSystem(mountpoint).catch(() => fileSystem(fallback));
  return { ...whole, usedBytes: first?.usedBytes?.value ?? whole.usedBytes };
}
