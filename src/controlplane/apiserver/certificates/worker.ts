/** The thread that makes certificates: the library's memory goes with it. */
import { parentPort } from "node:worker_threads";
import { messageOf } from "../../../errors/message.ts";
import type { AnyMade, MakeAnswer, MakeOrder } from "./maker.ts";
import { readRequest, signRequest } from "./signer.ts";
import { issue, makeAuthority, makeRequest } from "./x509.ts";

const port = parentPort!;

port.on("message", (order: MakeOrder) => void make(order).then((answer) => port.postMessage(answer)));

async function make(order: MakeOrder): Promise<MakeAnswer> {
  try {
    return { id: order.id, made: await carriedOut(order) };
  } catch (error) {
    return { id: order.id, error: messageOf(error) };
  }
}

function carriedOut(order: MakeOrder): Promise<AnyMade> {
  switch (order.make) {
    case "authority":
      return makeAuthority(order.commonName, order.validity, order.key);
    case "certificate":
      return issue(order.authority, order.profile, order.validity);
    case "request":
      return makeRequest(order.profile);
    case "read":
      return readRequest(order.request);
    case "signed":
      return signRequest(order.authority, order.request, order.terms);
  }
}
