/** Which images go when the disk fills, or when nobody has used them for long (pkg/kubelet/images, image_gc_manager.go). */
import type { Image } from "../../cri/messages.ts";
import type { FileSystem } from "../../stats/file_system.ts";

export interface ImageRecord {
  readonly image: Image;
  /** 0: it was there when the kubelet began. */
  readonly detectedAtMs: number;
  /** 0: never that this kubelet knows. */
  readonly usedAtMs: number;
  readonly isUsed: boolean;
}

/** Of the images' disk. */
export type DiskRoom = Pick<FileSystem, "availableBytes" | "capacityBytes">;

export type ImageRecords = ReadonlyMap<string, ImageRecord>;

/** @param references what containers, and sandboxes, name their images by */
export function recordImages(
  before: ImageRecords,
  images: readonly Image[],
  references: ReadonlySet<string>,
  nowMs: number,
  isFirst: boolean,
): ImageRecords {
  const entries = images.map((image) => {
    const known = before.get(image.id);
    const names = [image.id, ...image.repoTags, ...image.repoDigests];
    const isUsed = names.some((name) => references.has(name));
    const detectedAtMs = known?.detectedAtMs ?? (isFirst ? 0 : nowMs);
    return [image.id, { image, detectedAtMs, usedAtMs: isUsed ? nowMs : (known?.usedAtMs ?? 0), isUsed }] as const;
  });
  return new Map(entries);
}

/** Those that may go, the one that was used longest ago first. Pinned ones are the runtime's own. */
export function idleImages(records: ImageRecords): readonly ImageRecord[] {
  return [...records.values()]
    .filter(({ image, isUsed }) => !isUsed && !image.pinned)
    .sort((a, b) => a.usedAtMs - b.usedAtMs || a.detectedAtMs - b.detectedAtMs);
}

/** One that was just fetched will be used in a moment. */
export function isOldEnough({ detectedAtMs }: ImageRecord, nowMs: number, minAgeMs: number): boolean {
  return nowMs - detectedAtMs >= minAgeMs;
}

/** imageMaximumGCAge. How long is not known before the kubelet has run for that long. */
export function expiredImages(
  records: ImageRecords,
  nowMs: number,
  maxAgeMs: number,
  begunAtMs: number,
): readonly ImageRecord[] {
  if (maxAgeMs === 0 || nowMs - begunAtMs <= maxAgeMs) return [];
  return idleImages(records).filter(({ usedAtMs }) => nowMs - usedAtMs > maxAgeMs);
}

/** @returns 0 below the high threshold */
export function bytesToFree(
  { availableBytes, capacityBytes }: DiskRoom,
  highPercent: number,
  lowPercent: number,
): number {
  const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes);
  if (usedPercent < highPercent) return 0;
  return Math.floor((capacityBytes * (100 - lowPercent)) / 100) - availableBytes;
}
