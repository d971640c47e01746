/** The thread that makes certificates: the library's memory goes with it. */
import { parentPort } from "node:worker_threads";
import type { MakeAnswer, MakeOrder } from "./maker.ts";
import { issue, makeAuthority } from "./x509.ts";

const port = parentPort!;

port.on("message", (order: MakeOrder) => void make(order).then((answer) => port.postMessage(answer)));

async function make(order: MakeOrder): Promise<MakeAnswer> {
  try {
    const made =
      order.make === "authority"
        ? await makeAuthority(order.commonName, order.validity, order.key)
        : await issue(order.authority, order.profile, order.validity);
    return { id: order.id, made };
  } catch (error) {
    return { id: order.id, error: error instanceof Error ? error.message : String(error) };
  }
}
