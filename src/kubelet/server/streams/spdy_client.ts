/**
 * A client's end of SPDY/3.1 towards a runtime's streaming server. Neither end has windows (moby/spdystream has none
 * either): whoever is too fast is held up by TCP.
 */
import type { Duplex } from "node:stream";
import { dataHead, decodeHead, flagFin, controlFrame, frameTypes, headBytes, synStream } from "./spdy_frames.ts";

export interface SpdyStreamObserver {
  onData(data: Buffer): void;
  /** The other side will say no more; called once. */
  onEnd(): void;
}

export interface SpdyStream {
  /** @returns false: wait for the session's `onDrain` */
  write(data: Buffer): boolean;
  /** Nothing more will be said. */
  end(): void;
}

export interface SpdyObserver {
  onDrain(): void;
  /** The connection is gone; called once. */
  onClose(): void;
}

/** Control frames are a few words; what claims more is no runtime. */
const maxControlBytes = 64 * 1024;
const maxFrameBytes = 0xff_ffff;

export class SpdyClient {
  readonly #transport: Duplex;
  readonly #streams = new Map<number, SpdyStreamObserver>();
  #nextId = 1;
  /** Of a head, or of a control frame, as far as it is there. */
  #pending: Buffer = Buffer.alloc(0);
  /** The data frame that is being read. */
  #current: { readonly stream: number; readonly flags: number; left: number } | undefined;

  /** @param head what came behind the answer to the upgrade */
  constructor(transport: Duplex, head: Buffer, observer: SpdyObserver) {
    this.#transport = transport;
    transport.on("drain", () => observer.onDrain());
    transport.on("error", () => transport.destroy());
    // A runtime ends its side when it is done: then so is ours.
    transport.on("end", () => transport.destroy());
    transport.once("close", () => {
      for (const id of [...this.#streams.keys()]) this.#ended(id);
      observer.onClose();
    });
    transport.on("data", (part: Buffer) => this.#take(part));
    if (head.length > 0) this.#take(head);
  }

  open(headers: Readonly<Record<string, string>>, observer: SpdyStreamObserver): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, observer);
    this.#transport.write(synStream(id, headers, id === 1));
    return {
      write: (data) => this.#write(id, data),
      end: () => {
        if (this.#transport.writable) this.#transport.write(dataHead(id, flagFin, 0));
      },
    };
  }

  /** Holds up, or lets go on, what the other side says. */
  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  close(): void {
    this.#transport.destroy();
  }

  #write(id: number, data: Buffer): boolean {
    if (!this.#transport.writable) return true;
    let goesOn = true;
    for (let at = 0; at < data.length; at += maxFrameBytes) {
      const part = data.subarray(at, at + maxFrameBytes);
      this.#transport.write(dataHead(id, 0, part.length));
      goesOn = this.#transport.write(part);
    }
    return goesOn;
  }

  #take(part: Buffer): void {
    let rest = part;
    while (rest.length > 0) {
      const used = this.#current ? this.#data(rest) : this.#control(rest);
      if (used === undefined) return this.close();
      rest = rest.subarray(used);
    }
  }

  /** Data is given on as it comes, however long its frame. */
  #data(bytes: Buffer): number {
    const frame = this.#current!;
    const data = bytes.subarray(0, frame.left);
    frame.left -= data.length;
    if (data.length > 0) this.#streams.get(frame.stream)?.onData(data);
    this.#endOfData();
    return data.length;
  }

  #endOfData(): void {
    const frame = this.#current!;
    if (frame.left > 0) return;
    this.#current = undefined;
    if (frame.flags & flagFin) this.#ended(frame.stream);
  }

  /** @returns bytes that were used; undefined: this is no SPDY */
  #control(bytes: Buffer): number | undefined {
    const before = this.#pending.length;
    const known = Buffer.concat([this.#pending, bytes.subarray(0, headBytes)]);
    if (known.length < headBytes) {
      this.#pending = known;
      return bytes.length;
    }
    const head = decodeHead(before >= headBytes ? this.#pending : known);
    if (!head.isControl) {
      this.#pending = Buffer.alloc(0);
      this.#current = { stream: head.stream, flags: head.flags, left: head.length };
      this.#endOfData();
      return headBytes - before;
    }
    if (head.length > maxControlBytes) return undefined;
    const whole = headBytes + head.length;
    const part = bytes.subarray(0, whole - before);
    this.#pending = Buffer.concat([this.#pending, part]);
    if (this.#pending.length === whole) {
      const payload = this.#pending.subarray(headBytes);
      this.#pending = Buffer.alloc(0);
      this.#answer(head.type, payload);
    }
    return part.length;
  }

  #answer(type: number, payload: Buffer): void {
    if (type === frameTypes.rstStream && payload.length >= 4) this.#ended(payload.readUInt32BE(0));
    // A ping that we did not send has an even number.
    else if (type === frameTypes.ping && payload.length >= 4 && payload.readUInt32BE(0) % 2 === 0) {
      if (this.#transport.writable) this.#transport.write(controlFrame(frameTypes.ping, Buffer.from(payload)));
    }
  }

  #ended(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.onEnd();
  }
}
