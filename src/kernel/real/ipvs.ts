/** IPVS through generic netlink. */
import { getSystemErrorName } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import type { Outcome, ReceivedMessage } from "../netlink/codec/message.ts";
import { ipvsFamily } from "../netlink/ipvs/attributes.ts";
import {
  getInfo,
  getService,
  getTimeouts,
  listDestinations,
  listServices,
  readDestination,
  readInfo,
  readService,
  readTimeouts,
  setTimeouts,
  stepRequest,
  type IpvsFamily,
  type IpvsInfo,
} from "../netlink/ipvs/messages.ts";
import {
  serviceName,
  type IpvsServiceKey,
  type IpvsServiceWithDestinations,
  type IpvsTimeouts,
  type ListedIpvsDestination,
  type ListedIpvsService,
} from "../netlink/ipvs/service.ts";
import { describeStep, refusalText, type IpvsStep } from "../netlink/ipvs/step.ts";
import type { IpvsPort } from "../ports.ts";
import { noneAt, readEach } from "./answers.ts";
import { findFamily } from "./generic_netlink.ts";
import { NetlinkClient, netlinkProtocol } from "./netlink_client.ts";

const ESRCH = 3;

/** Steps that are encoded and sent at once: what is more would keep the event loop, and its garbage grow old. */
const batchSteps = 1024;

/**
 * Asking for the family makes the kernel load ip_vs if it can: ask only where that is wanted, or /sys/module/ip_vs is.
 *
 * @returns undefined where the kernel has no IPVS
 * @throws FairleadError NATIVE_CALL when the namespace is not there
 */
export async function openIpvs({ namespace = null }: { readonly namespace?: NamespaceRef } = {}): Promise<
  IpvsPort | undefined
> {
  const client = await NetlinkClient.open({ protocol: netlinkProtocol.generic, namespace });
  try {
    const family = await findFamily(client, ipvsFamily);
    if (family) return new RealIpvs(client, family);
  } catch (error) {
    client.close();
    throw error;
  }
  client.close();
  return undefined;
}

class RealIpvs implements IpvsPort {
  readonly #client: NetlinkClient;
  readonly #family: IpvsFamily;

  constructor(client: NetlinkClient, family: IpvsFamily) {
    this.#client = client;
    this.#family = family;
  }

  async services(): Promise<ListedIpvsService[]> {
    const messages = await this.#client.dump(listServices(this.#family), "list IPVS services");
    return readEach(messages, readService);
  }

  async list(keys?: readonly IpvsServiceKey[]): Promise<IpvsServiceWithDestinations[]> {
    const services = keys ? await this.#some(keys) : await this.services();
    const listed: IpvsServiceWithDestinations[] = [];
    for (const service of services) {
      listed.push({ ...service, destinations: await this.#destinations(service.key) });
    }
    return listed;
  }

  async #some(keys: readonly IpvsServiceKey[]): Promise<ListedIpvsService[]> {
    const found: ListedIpvsService[] = [];
    for (const key of keys) {
      const what = `read IPVS service ${serviceName(key)}`;
      const answers = await this.#client.request(getService(this.#family, key), what).catch(noneAt(ESRCH));
      found.push(...(await readEach(answers, readService)));
    }
    return found;
  }

  async #destinations(key: IpvsServiceKey): Promise<ListedIpvsDestination[]> {
    const what = `list destinations of IPVS service ${serviceName(key)}`;
    const messages = await this.#client.dump(listDestinations(this.#family, key), what);
    return readEach(messages, (message) => readDestination(message, key));
  }

  async apply(steps: readonly IpvsStep[]): Promise<readonly (FairleadError | null)[]> {
    const outcomes: (FairleadError | null)[] = steps.map(() => null);
    for (let from = 0; from < steps.length; from += batchSteps) {
      const requests = steps.slice(from, from + batchSteps).map((step) => stepRequest(this.#family, step));
      for (const [index, outcome] of await this.#client.errors(requests)) {
        outcomes[from + index] = refusedStep(steps[from + index]!, outcome);
      }
    }
    return outcomes;
  }

  async timeouts(): Promise<IpvsTimeouts> {
    const [answer] = await this.#client.request(getTimeouts(this.#family), "read the timeouts of IPVS");
    return readTimeouts(answered(answer, "timeouts of IPVS"));
  }

  async setTimeouts(timeouts: Partial<IpvsTimeouts>): Promise<void> {
    await this.#client.request(setTimeouts(this.#family, timeouts), "set the timeouts of IPVS");
  }

  async info(): Promise<IpvsInfo> {
    const [answer] = await this.#client.request(getInfo(this.#family), "ask IPVS for its version");
    return readInfo(answered(answer, "version of IPVS"));
  }

  close(): void {
    this.#client.close();
  }
}

function refusedStep(step: IpvsStep, outcome: Outcome): FairleadError {
  const name = getSystemErrorName(-outcome.errno);
  const text = outcome.message ?? refusalText(step, outcome.errno);
  const reason = text === undefined ? name : `${name}: ${text}`;
  return new FairleadError("NETLINK_REFUSED", { subject: describeStep(step), reason, errno: outcome.errno });
}

function answered(answer: ReceivedMessage | undefined, what: string): ReceivedMessage {
  if (answer) return answer;
  throw new FairleadError("NETLINK_DECODE", { subject: what, reason: "the kernel answered nothing" });
}
