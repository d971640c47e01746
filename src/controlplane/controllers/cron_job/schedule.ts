/**
 * When a schedule is due, by the rules of robfig/cron v3, which upstream uses: a day matches by its day of
 * the month or of the week where both are given; an hour that clocks leave out is left out, one that they
 * show twice is there twice. docs/decisions/044 says why no library does it. Pure.
 */
import { timeOf, wallOf } from "./zone.ts";

export interface Schedule {
  /** The next time behind this one, in ms; undefined where there is none within five years. */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** Everything: it does not restrict the day. */
  readonly isStar: boolean;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const bounds = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: days },
] as const;
const descriptors: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const yearsAhead = 5;

/** @param text of a form that the API server has accepted. @returns undefined where it is of no form */
export function parseSchedule(text: string, zone: string): Schedule | undefined {
  const every = /^@every (.+)$/.exec(text.trim());
  if (every) return everySchedule(every[1]!);
  const fields = (descriptors[text.trim()] ?? text).trim().split(/\s+/);
  if (fields.length !== bounds.length) return undefined;
  const parsed = fields.map((field, i) => parseField(field, bounds[i]!));
  if (parsed.some((field) => field === undefined)) return undefined;
  const [minute, hour, dayOfMonth, month, dayOfWeek] = parsed as Field[];
  const spec = { minute: minute!, hour: hour!, dayOfMonth: dayOfMonth!, month: month!, dayOfWeek: dayOfWeek! };
  return { next: (afterMs) => nextTime(spec, afterMs, zone) };
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

function everySchedule(text: string): Schedule | undefined {
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== text.replace(/^\+/, "")) return undefined;
  const ms = parts.reduce((sum, [, size, unit]) => sum + Number(size) * units[unit!]!, 0);
  const delay = Math.max(secondMs, Math.floor(ms / secondMs) * secondMs);
  return { next: (afterMs) => Math.floor(afterMs / secondMs) * secondMs + delay };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

function parseField(text: string, of: Bounds): Field | undefined {
  const values = new Set<number>();
  let isStar = false;
  for (const item of text.split(",").filter(Boolean)) {
    const range = parseItem(item, of);
    if (!range) return undefined;
    for (let value = range.first; value <= range.last; value += range.step) values.add(value);
    isStar ||= range.isStar;
  }
  return { values, isStar };
}

function parseItem(item: string, { min, max, names }: Bounds) {
  const match = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item);
  if (!match) return undefined;
  const [, low = "", high, stepText] = match;
  const step = stepText === undefined ? 1 : Number(stepText);
  const number = (word: string): number => {
    const named = names.indexOf(word.toLowerCase());
    return named >= 0 ? min + named : /^\d+$/.test(word) ? Number(word) : NaN;
  };
  // "*/2" is every second day, which does restrict; "5/15" is from 5 to the end.
  if (low === "*" || low === "?") return step > 0 ? { first: min, last: max, step, isStar: step === 1 } : undefined;
  const first = number(low);
  const last = high === undefined ? (stepText === undefined ? first : max) : number(high);
  const isRight = step > 0 && first >= min && last <= max && first <= last;
  return isRight ? { first, last, step, isStar: false } : undefined;
}

interface Spec {
  readonly minute: Field;
  readonly hour: Field;
  readonly dayOfMonth: Field;
  readonly month: Field;
  readonly dayOfWeek: Field;
}

/** Goes on by the largest field that does not match, as robfig's SpecSchedule.Next; whatever wraps is looked at anew. */
function nextTime(spec: Spec, afterMs: number, zone: string): number | undefined {
  const shown = (ms: number): Date => new Date(wallOf(ms, zone));
  const at = (year: number, month: number, day: number): number => timeOf(Date.UTC(year, month, day), zone);
  // From the next whole minute on: schedules know no seconds.
  let ms = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  const lastYear = shown(ms).getUTCFullYear() + yearsAhead;
  for (;;) {
    const wall = shown(ms);
    const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
    if (year > lastYear) return undefined;
    if (!spec.month.values.has(month + 1)) ms = later(ms, at(year, month + 1, 1));
    else if (!dayMatches(spec, wall)) ms = later(ms, at(year, month, day + 1));
    else if (!spec.hour.values.has(wall.getUTCHours())) ms += hourMs - (wall.getTime() % hourMs);
    else if (!spec.minute.values.has(wall.getUTCMinutes())) ms += minuteMs;
    else return ms;
  }
}

/** Midnight may be left out of a day: then the day begins later, and never before what was looked at. */
function later(ms: number, next: number): number {
  return next > ms ? next : ms + hourMs;
}

function dayMatches({ dayOfMonth, dayOfWeek }: Spec, wall: Date): boolean {
  const byMonth = dayOfMonth.values.has(wall.getUTCDate());
  const byWeek = dayOfWeek.values.has(wall.getUTCDay());
  return dayOfMonth.isStar || dayOfWeek.isStar ? byMonth && byWeek : byMonth || byWeek;
}
