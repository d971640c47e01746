/** Durations as Go reads and writes them, and the API's configurations have them: "1h15m30.918s", "300ms", "-1.5h". */

const unitsInMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const whole = /^[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/;

/** @returns ms, or undefined where the text is no duration (Go, time.ParseDuration) */
export function parseDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!whole.test(text)) return undefined;
  let ms = 0;
  for (const [, number = "", unit = ""] of text.matchAll(part)) ms += Number(number) * unitsInMs[unit]!;
  return text.startsWith("-") ? -ms : ms;
}

/** As Go writes it: "1h0m0s", "30s", "1.5s", "300ms". @param ms not negative */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  if (ms < 1000) return ms < 1 ? `${Number((ms * 1000).toFixed(3))}µs` : `${Number(ms.toFixed(6))}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = `${Number(((ms % 60_000) / 1000).toFixed(9))}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
