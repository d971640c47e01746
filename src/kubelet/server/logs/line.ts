/** One line of a CRI log file (kubernetes/design-proposals-archive, node/kubelet-cri-logging.md): time, stream, tags, text. */

export interface LogLine {
  /** As written: RFC 3339 with up to nine digits of fraction. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Its text goes on in the next line of its stream: the newline is the runtime's. */
  readonly isPartial: boolean;
  /** Where the text begins. */
  readonly textAt: number;
}

const space = 0x20;
/** "2016-10-06T00:17:09.669794202+02:00 stdout F ": no head is longer, but for tags that are yet to come. */
const maxHead = 128;
const head = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([^ ]*) /;

/** @returns undefined where the line is in another form */
export function parseLogLine(line: Buffer): LogLine | undefined {
  if (line.length < 2 || line.indexOf(space) < 0) return undefined;
  const match = head.exec(line.toString("latin1", 0, Math.min(line.length, maxHead)));
  if (!match) return undefined;
  const [whole, time = "", stream, tags = ""] = match;
  return {
    time,
    stream: stream as LogLine["stream"],
    isPartial: tags.split(":", 1)[0] === "P",
    textAt: whole.length,
  };
}

/** With all nine digits, as the API shows log times (RFC3339NanoFixed). */
export function fixedTime(time: string): string {
  const zoneAt = time.endsWith("Z") ? time.length - 1 : time.length - 6;
  const [seconds = "", fraction = ""] = time.slice(0, zoneAt).split(".");
  return `${seconds}.${fraction.padEnd(9, "0")}${time.slice(zoneAt)}`;
}

/** Ms since 1970, cut off. */
export function timeMs(time: string): number {
  return Date.parse(time);
}
