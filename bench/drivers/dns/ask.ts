/** A resolver that asks one name until the answer is another. */
import { createSocket } from "node:dgram";
import dnsPacket from "dns-packet";

/** Asks again as soon as it is answered. @throws Error where the address is not in the answer in time */
export function askFor(port: number, name: string, address: string, timeoutMs: number): Promise<void> {
  const question = dnsPacket.encode({ type: "query", id: 1, questions: [{ name, type: "A" }] });
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    const late = setTimeout(() => end(new Error(`${address} is not in the answer after ${timeoutMs} ms`)), timeoutMs);
    const end = (error?: Error): void => {
      clearTimeout(late);
      socket.close();
      if (error) reject(error);
      else resolve();
    };
    const ask = (): void => socket.send(question, port, "127.0.0.1");
    socket.on("message", (bytes) => {
      const { answers = [] } = dnsPacket.decode(bytes);
      if (answers.some((one) => one.type === "A" && one.data === address)) end();
      else ask();
    });
    socket.on("error", end);
    ask();
  });
}
