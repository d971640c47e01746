/** Generic netlink. */
import type { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import {
  genericRequest,
  getFamily,
  readFamily,
  readGeneric,
  type GenericCall,
  type GenericFamily,
  type GenericMessage,
} from "../netlink/genetlink.ts";
import type { GenericNetlinkPort } from "../ports.ts";
import { noneAt } from "./answers.ts";
import { NetlinkClient, netlinkProtocol } from "./netlink_client.ts";

const ENOENT = 2;

/** @throws FairleadError NATIVE_CALL when the namespace is not there */
export async function openGenericNetlink({
  namespace = null,
}: { readonly namespace?: NamespaceRef } = {}): Promise<GenericNetlinkPort> {
  return new RealGenericNetlink(await NetlinkClient.open({ protocol: netlinkProtocol.generic, namespace }));
}

/** @returns undefined where the kernel has none of that name, and cannot load one */
export async function findFamily(client: NetlinkClient, name: string): Promise<GenericFamily | undefined> {
  const request = client.request(getFamily(name), `find generic netlink family ${name}`);
  const [answer] = await request.catch(noneAt(ENOENT));
  return answer && readFamily(answer);
}

class RealGenericNetlink implements GenericNetlinkPort {
  readonly #client: NetlinkClient;

  constructor(client: NetlinkClient) {
    this.#client = client;
  }

  family(name: string): Promise<GenericFamily | undefined> {
    return findFamily(this.#client, name);
  }

  async request<T extends object>(
    family: GenericFamily,
    call: GenericCall<T>,
    what: string,
  ): Promise<GenericMessage<T>[]> {
    const answers = await this.#client.request(genericRequest(family, call), what);
    return answers.map((answer) => readGeneric(call.payload, answer));
  }

  async dump<T extends object>(
    family: GenericFamily,
    call: GenericCall<T>,
    what: string,
  ): Promise<GenericMessage<T>[]> {
    const answers = await this.#client.dump(genericRequest(family, call), what);
    return answers.map((answer) => readGeneric(call.payload, answer));
  }

  apply<T extends object>(
    family: GenericFamily,
    calls: readonly GenericCall<T>[],
    describe: (index: number) => string,
  ): Promise<readonly (FairleadError | null)[]> {
    return this.#client.apply(
      calls.map((call) => genericRequest(family, call)),
      describe,
    );
  }

  close(): void {
    this.#client.close();
  }
}
