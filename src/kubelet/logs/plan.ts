/** Which files of a container's log are kept, and which are packed (pkg/kubelet/logs, container_log_manager.go). */

export interface RotationPlan {
  readonly remove: readonly string[];
  readonly compress: readonly string[];
}

const packed = ".gz";
const unfinished = ".tmp";

/**
 * @param rotated names of the log's other files: "0.log.20260101-120000", ".gz" where it is packed
 * @param maxFiles containerLogMaxFiles: with the one that is written, and the one that it becomes now
 */
export function planRotation(rotated: readonly string[], maxFiles: number): RotationPlan {
  const isInUse = (name: string): boolean =>
    !name.endsWith(unfinished) && (name.endsWith(packed) || !rotated.includes(name + packed));
  const inUse = rotated.filter(isInUse).sort();
  const kept = inUse.slice(Math.max(0, inUse.length - Math.max(0, maxFiles - 2)));
  return {
    remove: rotated.filter((name) => !kept.includes(name)),
    compress: kept.filter((name) => !name.endsWith(packed)),
  };
}

/** What a log is called once another takes its place; sorted by name they are sorted by time. */
export function rotatedName(log: string, atMs: number): string {
  const [date = "", time = ""] = new Date(atMs).toISOString().split("T");
  return `${log}.${date.replaceAll("-", "")}-${time.slice(0, 8).replaceAll(":", "")}`;
}

/** "default_web_<uid>": whose logs a folder holds. */
export function uidOfFolder(folder: string): string {
  return folder.slice(folder.lastIndexOf("_") + 1);
}

/** "web_default_main-<id>.log" → id. */
export function idOfLink(link: string): string | undefined {
  return /-([^-]+)\.log$/.exec(link)?.[1];
}
