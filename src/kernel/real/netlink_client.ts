/** Requests and answers over one netlink socket: the one way real ports talk to the kernel. */
import { getSystemErrorName } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";
import {
  decodeOutcome,
  encodeBatch,
  flag,
  messageType,
  splitDatagram,
  type AnyRequest,
  type Outcome,
  type ReceivedMessage,
} from "../netlink/codec/message.ts";
import { Pace } from "../../reconcile/pace.ts";
import { native, type NamespaceRef, type NativeError, type NativeNetlinkSocket } from "../native.ts";

/** Netlink protocols (include/uapi/linux/netlink.h). */
export const netlinkProtocol = { route: 0, netfilter: 12, generic: 16 } as const;

export interface NetlinkClientOptions {
  readonly protocol: number;
  /** Default: this process's own. */
  readonly namespace?: NamespaceRef;
  /** Default 4 MiB. */
  readonly receiveBufferBytes?: number;
  /** Default 256 MiB: nf_tables takes a whole ruleset in one batch. */
  readonly maxBatchBytes?: number;
  /** Bound of every wait for an answer. Default 30,000. */
  readonly timeoutMs?: number;
}

/** How often a dump that changed while it was read is read again before that is an error. */
const dumpAttempts = 5;

/** Bytes of requests sent in one go where the kernel treats them one by one anyway. */
const chunkBytes = 1 << 20;

export class NetlinkClient {
  readonly #socket: NativeNetlinkSocket;
  readonly #timeoutMs: number;
  #sequence = 1;

  private constructor(socket: NativeNetlinkSocket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws FairleadError NATIVE_CALL when the namespace or the protocol is not there */
  static async open(options: NetlinkClientOptions): Promise<NetlinkClient> {
    const socket = await native()
      .openNetlink({
        protocol: options.protocol,
        namespace: options.namespace ?? null,
        receiveBufferBytes: options.receiveBufferBytes ?? 4 << 20,
        maxBatchBytes: options.maxBatchBytes ?? 256 << 20,
        maxQueued: 1024,
        strictChecking: true,
      })
      .catch((cause: unknown) => {
        throw callFailed(`open netlink protocol ${options.protocol}`, cause);
      });
    return new NetlinkClient(socket, options.timeoutMs ?? 30_000);
  }

  /**
   * Sends requests that the kernel carries out one by one, each with an outcome of its own.
   *
   * @param describe what request `index` attempts, as it follows "cannot"
   * @returns an error or null for each request, in order
   * @throws FairleadError NETLINK_OVERRUN or NETLINK_TIMEOUT: outcomes are unknown from some request on
   */
  async apply(requests: readonly AnyRequest[], describe: (index: number) => string): Promise<(FairleadError | null)[]> {
    const outcomes: (FairleadError | null)[] = new Array<null>(requests.length).fill(null);
    for (const [index, outcome] of await this.errors(requests)) outcomes[index] = refused(describe(index), outcome);
    return outcomes;
  }

  /**
   * As {@link apply}, with a request behind that asks for something, in one batch.
   *
   * @returns answer: what came back for that, or the errno with which it was refused
   */
  async applyAndAsk(
    requests: readonly AnyRequest[],
    question: AnyRequest,
    describe: (index: number) => string,
  ): Promise<{ outcomes: (FairleadError | null)[]; answer: ReceivedMessage | Outcome }> {
    const outcomes: (FairleadError | null)[] = new Array<null>(requests.length).fill(null);
    const first = this.#take(requests.length + 1);
    const batch = encodeBatch([...requests, { ...question, flags: question.flags | flag.ack }], first);
    let answer: ReceivedMessage | Outcome = { errno: 0 };
    for (const received of await this.#exchange(batch, 1, `${requests.length + 1} requests`)) {
      const index = (received.sequence - first) >>> 0;
      const outcome = received.type === messageType.error ? decodeOutcome(received) : undefined;
      if (!outcome) answer = received;
      else if (outcome.errno === 0) continue;
      else if (index < requests.length) outcomes[index] = refused(describe(index), outcome);
      else answer = outcome;
    }
    return { outcomes, answer };
  }

  /** As {@link apply}, for those who word the kernel's errors themselves: the errors by the request's index. */
  async errors(requests: readonly AnyRequest[]): Promise<Map<number, Outcome>> {
    const errors = new Map<number, Outcome>();
    for (let from = 0; from < requests.length;) {
      from += await this.#applyChunk(requests, from, (index, outcome) => errors.set(index, outcome));
    }
    return errors;
  }

  /** Only the last request asks for an acknowledgement: errors come anyway, and cost nothing until there are some. */
  async #applyChunk(
    requests: readonly AnyRequest[],
    from: number,
    onError: (index: number, outcome: Outcome) => void,
  ): Promise<number> {
    const { batch, count, first } = this.#encodeChunk(requests, from);
    const answers = await this.#exchange(batch, 1, `${count} requests`);
    for (const answer of answers) {
      if (answer.type !== messageType.error) continue;
      const outcome = decodeOutcome(answer);
      if (outcome.errno !== 0) onError(from + ((answer.sequence - first) >>> 0), outcome);
    }
    return count;
  }

  #encodeChunk(requests: readonly AnyRequest[], from: number) {
    // 256 bytes are more than a usual route, neighbour or address takes: an estimate, no bound.
    const count = Math.min(requests.length - from, Math.max(1, chunkBytes >> 8));
    const chunk = requests.slice(from, from + count);
    const last = chunk[count - 1]!;
    chunk[count - 1] = { ...last, flags: last.flags | flag.ack };
    const first = this.#take(count);
    return { batch: encodeBatch(chunk, first), count, first };
  }

  /**
   * Sends messages as one batch that the kernel carries out whole or not at all (nf_tables).
   *
   * @returns the errors by the request's index, empty when the batch was committed
   */
  async transact(requests: readonly AnyRequest[], what: string): Promise<Map<number, Outcome>> {
    const first = this.#take(requests.length);
    // Kernels before 6.10 do not acknowledge the end of a batch: nothing to wait for, errors are there at once.
    const answers = await this.#exchange(encodeBatch(requests, first), 0, what);
    const errors = new Map<number, Outcome>();
    for (const answer of answers) {
      if (answer.type !== messageType.error) continue;
      const outcome = decodeOutcome(answer);
      if (outcome.errno !== 0) errors.set((answer.sequence - first) >>> 0, outcome);
    }
    return errors;
  }

  /**
   * Sends one request and returns what came back, without the acknowledgement.
   *
   * @throws FairleadError NETLINK_REFUSED with the kernel's errno and words
   */
  async request(request: AnyRequest, what: string): Promise<ReceivedMessage[]> {
    const acknowledged = { ...request, flags: request.flags | flag.ack };
    return this.#answersOf(await this.#exchange(encodeBatch([acknowledged], this.#take(1)), 1, what), what);
  }

  /**
   * Reads a dump whole; one that changed while it was read is read again.
   *
   * @throws FairleadError NETLINK_INTERRUPTED when it never stood still
   */
  async dump(request: AnyRequest, what: string): Promise<ReceivedMessage[]> {
    for (let attempt = 0; attempt < dumpAttempts; attempt++) {
      const batch = encodeBatch([{ ...request, flags: request.flags | flag.dump }], this.#take(1));
      const answers = await this.#exchange(batch, 1, what);
      const messages = this.#answersOf(answers, what);
      if (!answers.some((answer) => answer.flags & flag.dumpInterrupted)) return messages;
    }
    throw new FairleadError("NETLINK_INTERRUPTED", {
      subject: what,
      reason: `it changed during each of ${dumpAttempts} reads`,
    });
  }

  /** Closes the socket. Requests that wait are rejected. Idempotent. */
  close(): void {
    this.#socket.close();
  }

  #answersOf(answers: readonly ReceivedMessage[], what: string): ReceivedMessage[] {
    const messages: ReceivedMessage[] = [];
    for (const answer of answers) {
      if (answer.type === messageType.error || answer.type === messageType.done) {
        const outcome = decodeOutcome(answer);
        if (outcome.errno !== 0) throw refused(what, outcome);
      } else if (answer.type !== messageType.noop) messages.push(answer);
    }
    return messages;
  }

  async #exchange(batch: Uint8Array, terminators: number, what: string): Promise<ReceivedMessage[]> {
    try {
      const datagrams = await this.#socket.exchange(batch, terminators, this.#timeoutMs);
      const messages: ReceivedMessage[] = [];
      const pace = new Pace();
      for (const datagram of datagrams) {
        for (const message of splitDatagram(datagram)) messages.push(message);
        await pace.next();
      }
      return messages;
    } catch (cause) {
      throw exchangeFailed(what, cause);
    }
  }

  /** Reserves sequence numbers for `count` messages. 0 is never the first: the kernel's own messages have it. */
  #take(count: number): number {
    const first = this.#sequence;
    this.#sequence = (first + count) >>> 0 || 1;
    return first;
  }
}

/** An error for what the kernel refused, with its errno and its own words. */
export function refused(what: string, outcome: Outcome): FairleadError {
  const name = getSystemErrorName(-outcome.errno);
  const where = outcome.offset === undefined ? "" : ` (attribute at byte ${outcome.offset})`;
  const missing = outcome.missingType === undefined ? "" : ` (attribute ${outcome.missingType} is missing)`;
  const reason = `${name}${outcome.message ? `: ${outcome.message}` : ""}${where}${missing}`;
  return new FairleadError("NETLINK_REFUSED", { subject: what, reason, errno: outcome.errno });
}

function exchangeFailed(what: string, cause: unknown): unknown {
  switch ((cause as Partial<NativeError>).code) {
    case "ENOBUFS":
      return new FairleadError("NETLINK_OVERRUN", { subject: what, cause, errno: (cause as NativeError).errno });
    case "ETIMEDOUT":
      return new FairleadError("NETLINK_TIMEOUT", { subject: what, cause, errno: (cause as NativeError).errno });
    default:
      return cause instanceof FairleadError ? cause : callFailed(what, cause);
  }
}

/** An error for a native call that failed. */
export function callFailed(what: string, cause: unknown): FairleadError {
  const errno = (cause as Partial<NativeError>).errno;
  return new FairleadError("NATIVE_CALL", { subject: what, cause, ...(errno === undefined ? {} : { errno }) });
}
