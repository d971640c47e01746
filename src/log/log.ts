/** What a long-lived command says: JSON lines for programs, plain lines for a person at a terminal. */
import { pino, type Logger } from "pino";

export type LogFormat = "text" | "json";

export interface LogOptions {
  readonly format: LogFormat;
  /** klog's verbosity, --v. */
  readonly verbosity: number;
  /** File descriptor; default: standard output. */
  readonly descriptor?: number;
}

export interface ProgramLog {
  readonly log: Logger;
  readonly verbosity: number;
  /** Writes what is buffered; before the process ends. */
  flush(): void;
}

/** What a reader of the log that does not keep up may leave waiting; more of it is dropped, in bytes. */
const maxBufferedBytes = 8 * 1024 * 1024;

export function openLog({ format, verbosity, descriptor = 1 }: LogOptions): ProgramLog {
  // Asynchronous: a reader that is slow holds up no request.
  const out = pino.destination({ dest: descriptor, sync: false, maxLength: maxBufferedBytes });
  // A reader that is gone is no reason to stop serving.
  out.on("error", () => undefined);
  const stream = format === "json" ? out : { write: (line: string) => void out.write(textLine(line)) };
  const log = pino(
    {
      base: null,
      level: "info",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return { log, verbosity, flush: () => flush(out) };
}

function flush(out: ReturnType<typeof pino.destination>): void {
  try {
    out.flushSync();
  } catch {
    // The descriptor is gone, or was never ready: nobody is there to read it.
  }
}

/** One of pino's lines as a person reads it: time, level, message, then the fields. */
export function textLine(line: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${textValue(value)}`);
  const stack = (err as { stack?: string } | undefined)?.stack;
  const trace = stack === undefined ? "" : `\n${stack}`;
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${textValue(msg)}${rest.join("")}${trace}\n`;
}

function textValue(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "";
  // Control characters of a request's line must not reach a terminal.
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  return /[\x00-\x1f\x7f]/.test(value) ? JSON.stringify(value) : value;
}
