/** Removes images that nobody uses: by thresholds of their disk, by age, and all of them where the node runs out of disk. */
import type { EventRecorder, EventSubject } from "../../../api/event_recorder.ts";
import type { Clock } from "../../../reconcile/clock.ts";
import { Periodic } from "../../../reconcile/periodic.ts";
import type { Runtime } from "../../cri/runtime.ts";
import { fileSystem, imageFolder } from "../../stats/file_system.ts";
import {
  bytesToFree,
  expiredImages,
  idleImages,
  isOldEnough,
  recordImages,
  type ImageRecord,
  type DiskRoom,
  type ImageRecords,
} from "./plan.ts";

export interface ImageGcSettings {
  readonly highPercent: number;
  readonly lowPercent: number;
  readonly minAgeMs: number;
  /** 0: however old. */
  readonly maxAgeMs: number;
}

export interface ImageGcOptions {
  readonly runtime: Runtime;
  readonly settings: ImageGcSettings;
  readonly events: EventRecorder;
  readonly node: EventSubject;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
  /** An image is gone: for its age, or for the room that it took. */
  readonly onCollected?: (reason: "age" | "space") => void;
  /** Of the images' disk; default: as the file system says. */
  readonly disk?: (mountPoint: string) => Promise<DiskRoom>;
}

/** ImageGCPeriod. */
const periodMs = 300_000;

export class ImageGc {
  readonly #options: ImageGcOptions;
  readonly #begunAtMs: number;
  #records: ImageRecords | undefined;
  readonly #loop: Periodic;
  #hasFailed = false;

  constructor(options: ImageGcOptions) {
    this.#options = options;
    this.#begunAtMs = options.clock.now();
    this.#loop = new Periodic(options.clock, () => this.#look());
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** Whatever the thresholds say. @returns bytes */
  async removeUnused(): Promise<number> {
    await this.#detect();
    return this.#free(Infinity);
  }

  /** One look, and what follows from it. @throws Error with upstream's words where not enough can be freed */
  async turn(): Promise<void> {
    const { clock, settings, events, node } = this.#options;
    await this.#detect();
    if (settings.highPercent === 100 && settings.maxAgeMs === 0) return;
    for (const record of expiredImages(this.#records!, clock.now(), settings.maxAgeMs, this.#begunAtMs)) {
      await this.#remove(record, "age");
    }
    const disk = await this.#disk();
    if (disk.capacityBytes === 0) {
      const message = "invalid capacity 0 on image filesystem";
      events.event(node, "Warning", "InvalidDiskCapacity", message);
      throw new Error(message);
    }
    const wanted = bytesToFree(disk, settings.highPercent, settings.lowPercent);
    if (wanted <= 0) return;
    const freed = await this.#free(wanted);
    if (freed >= wanted) return;
    const amounts = `Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
    const message = `Failed to garbage collect required amount of images. ${amounts}`;
    events.event(node, "Warning", "FreeDiskSpaceFailed", message);
    throw new Error(message);
  }

  async #look(): Promise<number> {
    try {
      await this.turn();
      this.#hasFailed = false;
    } catch (error) {
      this.#failed(error);
    }
    return periodMs;
  }

  /** Once may be chance: the second in a row is told. */
  #failed(error: unknown): void {
    const { events, node, onError } = this.#options;
    onError("remove images that nobody uses", error);
    if (this.#hasFailed) events.event(node, "Warning", "ImageGCFailed", (error as Error).message);
    this.#hasFailed = true;
  }

  async #detect(): Promise<void> {
    const { runtime, clock } = this.#options;
    const [images, containers, sandboxImage] = await Promise.all([
      runtime.listImages(),
      runtime.listContainers(),
      runtime.sandboxImage(),
    ]);
    const references = new Set(containers.flatMap(({ imageRef, image }) => [imageRef, image.image]));
    // Not every runtime pins it, and no container names it.
    if (sandboxImage !== undefined) references.add(sandboxImage);
    const isFirst = this.#records === undefined;
    this.#records = recordImages(this.#records ?? new Map(), images, references, clock.now(), isFirst);
  }

  async #free(bytes: number): Promise<number> {
    const { clock, settings } = this.#options;
    const now = clock.now();
    let freed = 0;
    for (const record of idleImages(this.#records!)) {
      if (freed >= bytes) break;
      if (!isOldEnough(record, now, settings.minAgeMs)) continue;
      if (await this.#remove(record, "space")) freed += record.image.size;
    }
    return freed;
  }

  async #remove({ image }: ImageRecord, reason: "age" | "space"): Promise<boolean> {
    try {
      await this.#options.runtime.removeImage(image.id);
    } catch (error) {
      this.#options.onError(`remove image ${image.id}`, error);
      return false;
    }
    const records = new Map(this.#records);
    records.delete(image.id);
    this.#records = records;
    this.#options.onCollected?.(reason);
    return true;
  }

  async #disk(): Promise<DiskRoom> {
    const { runtime, disk = fileSystem } = this.#options;
    return disk((await imageFolder(runtime)) ?? "/");
  }
}
