/**
 * What goes over the socket between shim and agent; `shim/wire.h` is its other side. Pure.
 *
 *     request   "FLC1", u32 length of the environment, u32 length of stdin (both little-endian), NAME=VALUE\0…, stdin
 *     answer    "FLC1", u32 exit code, u32 length of stdout, stdout
 */
import type { Answer, Call } from "./handle.ts";

const magic = Buffer.from("FLC1");
const headerBytes = 12;

/** A configuration with the results of a long chain has some 10 KB. */
export const maxStdinBytes = 4 << 20;
/** MAX_ARG_STRLEN of Linux, which bounds each of the six variables that are passed on. */
export const maxEnvironmentBytes = 6 * (128 << 10);

/** Gathers the bytes of one request. */
export class RequestReader {
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #wanted = headerBytes;
  #environmentBytes = 0;

  /** @returns the request once it is whole. @throws RangeError for what is none */
  push(chunk: Buffer): Call | undefined {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#wanted === headerBytes && this.#length >= headerBytes) this.#readHeader();
    if (this.#length < this.#wanted || this.#wanted === headerBytes) return undefined;
    if (this.#length > this.#wanted) throw new RangeError("bytes follow the request");
    const whole = Buffer.concat(this.#chunks);
    const split = headerBytes + this.#environmentBytes;
    return { environment: readEnvironment(whole.subarray(headerBytes, split)), stdin: whole.subarray(split) };
  }

  #readHeader(): void {
    const header = Buffer.concat(this.#chunks).subarray(0, headerBytes);
    const [environmentBytes, stdinBytes] = [header.readUInt32LE(4), header.readUInt32LE(8)];
    if (!header.subarray(0, 4).equals(magic)) throw new RangeError("it is not a request of fairlead-cni");
    if (environmentBytes === 0 || environmentBytes > maxEnvironmentBytes || stdinBytes > maxStdinBytes) {
      throw new RangeError(`it is too long: ${environmentBytes} and ${stdinBytes} bytes`);
    }
    this.#environmentBytes = environmentBytes;
    this.#wanted = headerBytes + environmentBytes + stdinBytes;
  }
}

/** What is not UTF-8 becomes U+FFFD, which no variable may have where it matters. */
function readEnvironment(bytes: Buffer): ReadonlyMap<string, string> {
  const variables = bytes.toString("utf8").split("\0").filter(Boolean);
  return new Map(variables.map((text) => [text.split("=", 1)[0]!, text.slice(text.indexOf("=") + 1)]));
}

export function answerBytes({ exitCode, stdout }: Answer): Buffer {
  const body = Buffer.from(stdout);
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(exitCode, 4);
  header.writeUInt32LE(body.length, 8);
  return Buffer.concat([header, body]);
}
