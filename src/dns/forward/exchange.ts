/** One question to one server. A socket of its own each time: its port is a part of what a forger has to guess (RFC 5452). */
import dgram from "node:dgram";
import net from "node:net";
import { maxMessageBytes } from "../wire/numbers.ts";
import type { UpstreamAddress } from "./decode.ts";

/** Reads an answer; undefined: it is not the one that is waited for. */
export type Accept<T> = (bytes: Buffer) => T | undefined;

export function exchangeUdp<T>(
  { host, port }: UpstreamAddress,
  bytes: Buffer,
  accept: Accept<T>,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
    const timer = setTimeout(() => end(() => reject(new Error(`no answer within ${timeoutMs} ms`))), timeoutMs);
    let isOver = false;
    const end = (settle: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      settle();
    };
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("message", (message) => {
      const answer = accept(message);
      if (answer !== undefined) end(() => resolve(answer));
    });
    // Connected, so that others' packets do not arrive, and a closed port is told.
    socket.connect(port, host, () => {
      if (!isOver) socket.send(bytes);
    });
  });
}

export function exchangeTcp<T>(
  { host, port }: UpstreamAddress,
  bytes: Buffer,
  accept: Accept<T>,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    const timer = setTimeout(() => end(() => reject(new Error(`no answer within ${timeoutMs} ms`))), timeoutMs);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    let received = Buffer.alloc(0);
    socket.on("error", (error) => end(() => reject(error)));
    socket.on("close", () => end(() => reject(new Error("the server closed the connection"))));
    socket.on("data", (part: Buffer) => {
      received = Buffer.concat([received, part]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) {
        if (received.length > maxMessageBytes + 2) end(() => reject(new Error("the answer is too long")));
        return;
      }
      const answer = accept(received.subarray(2, received.readUInt16BE(0) + 2));
      if (answer === undefined) end(() => reject(new Error("the answer is to another question")));
      else end(() => resolve(answer));
    });
    socket.write(Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]));
  });
}
