/**
 * exec and attach over v5.channel.k8s.io towards a runtime that speaks SPDY/3.1 (KEP-4006, ExtendWebSocketsToKubelet):
 * older WebSocket protocols cannot say that a stream is over, so that no runtime could be told by them.
 */
import type { WebSocket } from "ws";
import type { StreamOptions } from "../../cri/runtime.ts";
import { SpdyClient, type SpdyStream } from "./spdy_client.ts";
import { upgradeToSpdy, type Upgraded, type UpgradeClient } from "./upgrade.ts";
import { acceptWebSocket } from "./web_socket.ts";

export const closableProtocol = "v5.channel.k8s.io";
const runtimeProtocol = "v4.channel.k8s.io";

/** A message's first byte. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
type Channel = Exclude<keyof typeof channels, "close">;

/** What may wait for a client that is slow: then the runtime is held up, and goes on when half of it is gone. */
const maxQueuedBytes = 512 * 1024;

/** Resolves when it is over. @throws Refusal */
export async function translateStreams(url: string, client: UpgradeClient, options: StreamOptions): Promise<void> {
  const upgraded = await upgradeToSpdy(url, runtimeProtocol);
  try {
    const webSocket = await acceptWebSocket(client, closableProtocol);
    await new Translation(webSocket, upgraded, options).ended;
  } finally {
    upgraded.socket.destroy();
  }
}

class Translation {
  readonly ended: Promise<void>;
  readonly #client: WebSocket;
  readonly #runtime: SpdyClient;
  readonly #streams = new Map<Channel, SpdyStream>();
  #hasStatus = false;
  #isHeld = false;

  constructor(client: WebSocket, { socket, head }: Upgraded, options: StreamOptions) {
    this.#client = client;
    let end: () => void = () => undefined;
    this.ended = new Promise((resolve) => (end = resolve));
    this.#runtime = new SpdyClient(socket, head, {
      onDrain: () => client.resume(),
      onClose: () => this.#finish(),
    });
    client.on("message", (data) => this.#take(data));
    client.on("error", () => client.terminate());
    client.on("close", () => {
      this.#runtime.close();
      end();
    });
    for (const channel of wantedChannels(options)) this.#open(channel);
    // As upstream: it tells that the connection stands.
    this.#send(options.stdout ? "stdout" : options.stderr ? "stderr" : "error", Buffer.alloc(0));
  }

  #open(channel: Channel): void {
    const stream = this.#runtime.open(
      { streamtype: channel },
      {
        onData: (data) => this.#send(channel, data),
        onEnd: () => undefined,
      },
    );
    this.#streams.set(channel, stream);
  }

  #take(message: Buffer): void {
    if (message.length === 0) return;
    const [number, closed] = message;
    if (number === channels.close) {
      if (closed === channels.stdin) this.#streams.get("stdin")?.end();
      return;
    }
    const channel = number === channels.stdin ? "stdin" : number === channels.resize ? "resize" : undefined;
    const stream = channel && this.#streams.get(channel);
    if (stream && message.length > 1 && !stream.write(message.subarray(1))) this.#client.pause();
  }

  #send(channel: Channel, data: Buffer): void {
    if (channel === "error" && data.length > 0) this.#hasStatus = true;
    if (this.#client.readyState !== 1) return;
    const message = Buffer.concat([Buffer.of(channels[channel]), data]);
    this.#client.send(message, { binary: true }, () => this.#sent());
    if (this.#client.bufferedAmount < maxQueuedBytes || this.#isHeld) return;
    this.#isHeld = true;
    this.#runtime.pause();
  }

  #sent(): void {
    if (!this.#isHeld || this.#client.bufferedAmount > maxQueuedBytes / 2) return;
    this.#isHeld = false;
    this.#runtime.resume();
  }

  /** A runtime that goes without a word has failed. */
  #finish(): void {
    if (!this.#hasStatus) {
      const message = "Internal error occurred: the container runtime ended the stream";
      const status = { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 };
      this.#send("error", Buffer.from(JSON.stringify(status)));
    }
    this.#client.close(1000);
  }
}

function wantedChannels({ stdin, stdout, stderr, tty }: StreamOptions): readonly Channel[] {
  const wanted: readonly (readonly [Channel, boolean])[] = [
    ["error", true],
    ["stdin", stdin],
    ["stdout", stdout],
    ["stderr", stderr],
    ["resize", tty],
  ];
  return wanted.filter(([, isWanted]) => isWanted).map(([channel]) => channel);
}
