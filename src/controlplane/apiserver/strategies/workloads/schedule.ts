/**
 * Schedules of CronJobs, as robfig/cron's ParseStandard takes them: five fields or a descriptor.
 * Only their form; when a schedule is due is the controller's.
 */
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Words for numbers, the first for `min`. */
  readonly names?: readonly string[];
}

const fields: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
];
const descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const duration = /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$/;

/** @returns what is wrong with a schedule; undefined where it is right */
export function scheduleError(schedule: string): string | undefined {
  const text = schedule.replace(/^(CRON_)?TZ=\S*\s*/, "");
  if (text.startsWith("@")) return descriptorError(text);
  const parts = text.trim().split(/\s+/).filter(Boolean);
  if (parts.length !== fields.length) {
    return `expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`;
  }
  for (const [i, bounds] of fields.entries()) {
    for (const item of parts[i]!.split(",").filter(Boolean)) {
      const error = rangeError(item, bounds);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function descriptorError(text: string): string | undefined {
  if (descriptors.includes(text)) return undefined;
  if (!text.startsWith("@every ")) return `unrecognized descriptor: ${text}`;
  const wanted = text.slice("@every ".length);
  if (duration.test(wanted)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(wanted)}`;
}

/** One item of a list: a number, a range or everything, with or without a step. */
function rangeError(item: string, bounds: Bounds): string | undefined {
  const [range = "", step, ...moreSteps] = item.split("/");
  if (moreSteps.length > 0) return `too many slashes: ${item}`;
  const [low = "", high, ...moreBounds] = range.split("-");
  let start = bounds.min;
  let end = bounds.max;
  if (low !== "*" && low !== "?") {
    if (moreBounds.length > 0) return `too many hyphens: ${item}`;
    const first = numberOf(low, bounds);
    if (typeof first === "string") return first;
    const last = high === undefined ? first : numberOf(high, bounds);
    if (typeof last === "string") return last;
    start = first;
    end = step !== undefined && high === undefined ? bounds.max : last;
  }
  if (step !== undefined) {
    const size = numberOf(step, { min: 0, max: 0 });
    if (typeof size === "string") return size;
    if (size === 0) return `step of range should be a positive number: ${item}`;
  }
  if (start < bounds.min) return `beginning of range (${start}) below minimum (${bounds.min}): ${item}`;
  if (end > bounds.max) return `end of range (${end}) above maximum (${bounds.max}): ${item}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${item}`;
  return undefined;
}

function numberOf(text: string, { min, names = [] }: Bounds): number | string {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return min + named;
  if (/^-\d+$/.test(text)) return `negative number (${Number(text)}) not allowed: ${text}`;
  if (/^\+?\d{1,15}$/.test(text)) return Number(text);
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}
