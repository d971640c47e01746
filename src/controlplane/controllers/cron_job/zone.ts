/** Wall clocks of time zones, as Go's time package tells them. Pure. */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    const parts = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      second: "numeric",
      era: "short",
      ...parts,
    });
    formats.set(zone, format);
  }
  return format;
}

export function isZone(zone: string): boolean {
  try {
    return formatOf(zone) !== undefined;
  } catch {
    return false;
  }
}

/** What a clock in a zone shows, as the time at which a clock in UTC shows the same, in ms. */
export function wallOf(utcMs: number, zone: string): number {
  return utcMs + offsetMs(utcMs, zone);
}

/**
 * When a clock in a zone shows this: of two such times one, and of a time that clocks leave out one that is
 * right before or after the change (Go's time.Date, whose way this is).
 */
export function timeOf(wallMs: number, zone: string): number {
  const offset = offsetMs(wallMs, zone);
  const second = offsetMs(wallMs - offset, zone);
  return wallMs - second;
}

function offsetMs(utcMs: number, zone: string): number {
  if (zone === "UTC") return 0;
  const whole = Math.floor(utcMs / 1000) * 1000;
  const shown: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(whole)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

/** RFC 3339 with the zone's offset. */
export function zonedTime(utcMs: number, zone: string): string {
  const offset = Math.round(offsetMs(utcMs, zone) / 60_000);
  const text = new Date(utcMs + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const two = (n: number): string => String(n).padStart(2, "0");
  const size = Math.abs(offset);
  return `${text}${offset < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
