/** Many watches in one process: each event is counted where it arrives, its latency taken where it says when it was sent. */
import { RawClient } from "./raw_client.ts";
import type { Target } from "./system.ts";

const eventStart = Buffer.from('{"type":"');
const sentMark = Buffer.from('"sent":"');
/** One event in so many is timed per watcher: reading all would make the load the bottleneck. */
const sampleEvery = 4;
const timeoutMs = 120_000;

class Watch {
  count = 0;
  #tail = Buffer.alloc(0);

  /** Counts the beginnings of events, one that two reads share too. */
  take(data: Buffer, onSent: (sentUs: number) => void): void {
    const seam = Buffer.concat([this.#tail, data.subarray(0, eventStart.length - 1)]);
    if (seam.includes(eventStart)) this.count++;
    for (let at = data.indexOf(eventStart); at >= 0; at = data.indexOf(eventStart, at + eventStart.length)) {
      this.count++;
      if (this.count % sampleEvery === 0) readSent(data, at, onSent);
    }
    const whole = data.length >= eventStart.length - 1 ? data : Buffer.concat([this.#tail, data]);
    this.#tail = Buffer.from(whole.subarray(Math.max(0, whole.length - eventStart.length + 1)));
  }
}

function readSent(data: Buffer, from: number, onSent: (sentUs: number) => void): void {
  const at = data.indexOf(sentMark, from);
  if (at < 0) return;
  const text = data.toString("latin1", at + sentMark.length, at + sentMark.length + 24);
  const end = text.indexOf('"');
  if (end > 0) onSent(Number(text.slice(0, end)));
}

export class WatchSet {
  readonly #watches: Watch[] = [];
  #reported = 0;
  #latencies: number[] = [];
  #bytes = 0;
  #failure: Error | undefined;

  /** Opens them, a few at a time: a handshake costs the server most. */
  async open(target: Target, path: string, count: number): Promise<void> {
    for (let left = count; left > 0; left -= 25) {
      await Promise.all(Array.from({ length: Math.min(25, left) }, () => this.#openOne(target, path)));
    }
  }

  async #openOne(target: Target, path: string): Promise<void> {
    const client = await RawClient.connect(target);
    const watch = new Watch();
    await new Promise<void>((resolve, reject) => {
      client.socket.once("data", (head: Buffer) => {
        if (head.toString("latin1", 9, 12) === "200") resolve();
        else reject(new Error(`watch of ${path}: ${head.toString("latin1", 0, 400)}`));
      });
      client.send("GET", path, "");
    });
    client.socket.on("data", (data: Buffer) => this.#onData(watch, data));
    client.socket.on("close", () => (this.#failure ??= new Error("the server closed a watch")));
    this.#watches.push(watch);
  }

  #onData(watch: Watch, data: Buffer): void {
    this.#bytes += data.length;
    const now = Number(process.hrtime.bigint() / 1000n);
    watch.take(data, (sentUs) => this.#latencies.push((now - sentUs) / 1000));
  }

  /** Resolves when every watch has seen so many events more. */
  async seen(events: number): Promise<{ bytes: number; latencies: number[] }> {
    const goal = this.#reported + events;
    const deadline = Date.now() + timeoutMs;
    while (this.#watches.some(({ count }) => count < goal)) {
      if (this.#failure) throw this.#failure;
      if (Date.now() > deadline) {
        const least = Math.min(...this.#watches.map(({ count }) => count));
        throw new Error(`a watch has seen ${least - this.#reported} of ${events} events after ${timeoutMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.#reported = goal;
    const result = { bytes: this.#bytes, latencies: this.#latencies };
    this.#latencies = [];
    this.#bytes = 0;
    return result;
  }
}
