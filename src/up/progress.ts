/** What `up` and `down` say while they work: a line a step with its time; JSON for machines. */

export type ProgressFormat = "terminal" | "plain" | "json" | "silent";

export interface Output {
  write(text: string): unknown;
}

export class Progress {
  readonly #format: ProgressFormat;
  readonly #out: Output;
  readonly #now: () => number;
  readonly #started: number;
  readonly #running = new Set<string>();

  /** @param now ms; only differences count */
  constructor(format: ProgressFormat, out: Output = process.stdout, now: () => number = () => performance.now()) {
    this.#format = format;
    this.#out = out;
    this.#now = now;
    this.#started = now();
  }

  /** For work within one step: its own steps are not told; what it says is, with a name before it. */
  within(name: string): Progress {
    return new Progress("silent", { write: (text) => this.say(`${name}: ${text.trimEnd()}`) }, this.#now);
  }

  get elapsedMs(): number {
    return this.#now() - this.#started;
  }

  /**
   * Runs one step; several may run at one time.
   *
   * @param work returns what there is to say of its outcome
   */
  async step<T>(name: string, work: () => Promise<T>, detail: (result: T) => string = () => ""): Promise<T> {
    const started = this.#now();
    this.#running.add(name);
    this.#showRunning();
    try {
      const result = await work();
      this.#running.delete(name);
      this.#line({ step: name, ms: Math.round(this.#now() - started), outcome: "ok", detail: detail(result) });
      return result;
    } catch (error) {
      this.#running.delete(name);
      this.#line({ step: name, ms: Math.round(this.#now() - started), outcome: "failed", detail: "" });
      throw error;
    }
  }

  /** Something to read that is no step. */
  say(text: string): void {
    if (this.#format === "json") this.#out.write(`${JSON.stringify({ say: text })}\n`);
    else this.#out.write(`${this.#clear()}${text}\n`);
    this.#showRunning();
  }

  #line(line: { step: string; ms: number; outcome: "ok" | "failed"; detail: string }): void {
    const { step, ms, outcome, detail } = line;
    if (this.#format === "silent") return;
    const atMs = Math.round(this.elapsedMs);
    if (this.#format === "json") {
      this.#out.write(`${JSON.stringify({ ...line, atMs })}\n`);
      return;
    }
    const mark = outcome === "ok" ? "✓" : "✗";
    const time = `${(ms / 1000).toFixed(1)} s`.padStart(7);
    this.#out.write(`${this.#clear()}${mark} ${step.padEnd(20)}${time}  ${detail}`.trimEnd() + "\n");
    this.#showRunning();
  }

  #showRunning(): void {
    if (this.#format !== "terminal" || this.#running.size === 0) return;
    this.#out.write(`${this.#clear()}… ${[...this.#running].join(", ")}`);
  }

  #clear(): string {
    return this.#format === "terminal" ? "\r\u001b[K" : "";
  }
}

export function formatOf(json: boolean | undefined, isTerminal: boolean): ProgressFormat {
  if (json) return "json";
  return isTerminal ? "terminal" : "plain";
}
