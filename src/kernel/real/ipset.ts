/** ipsets through netlink. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import { decodeBody, type AnyRequest, type Outcome, type Request } from "../netlink/codec/message.ts";
import { setMessage, type SetMessage } from "../netlink/ipset/attributes.ts";
import { errExist, ipsetErrorText } from "../netlink/ipset/errors.ts";
import {
  askProtocol,
  askType,
  changeElements,
  createSet,
  destroySet,
  failedElement,
  flushSet,
  listSets,
  readProtocol,
  readRevision,
  renameSet,
  swapSets,
  testElement,
  type ProtocolVersion,
} from "../netlink/ipset/messages.ts";
import { familyOf, setsOf, type Ipset, type IpsetDefinition, type IpsetElement } from "../netlink/ipset/set.ts";
import { describeStep, type IpsetExecutors, type IpsetStep, type IpsetVerbs } from "../netlink/ipset/step.ts";
import type { IpsetPort } from "../ports.ts";
import { noneAt, readEach } from "./answers.ts";
import { NetlinkClient, netlinkProtocol } from "./netlink_client.ts";

const ENOENT = 2;

/** @throws FairleadError NATIVE_CALL when the namespace is not there, NETLINK_REFUSED when the kernel has no ipset */
export async function openIpset({ namespace = null }: { readonly namespace?: NamespaceRef } = {}): Promise<IpsetPort> {
  const client = await NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace });
  try {
    return new RealIpset(client, await agreeOnProtocol(client));
  } catch (error) {
    client.close();
    throw error;
  }
}

async function agreeOnProtocol(client: NetlinkClient): Promise<ProtocolVersion> {
  const [answer] = await client.request(askProtocol(), "ask which ipset protocol the kernel speaks");
  const version = answer && readProtocol(answer);
  if (version !== undefined) return version;
  throw new FairleadError("NETLINK_DECODE", { subject: "ipset protocol", reason: "the kernel speaks neither 6 nor 7" });
}

class RealIpset implements IpsetPort {
  readonly #client: NetlinkClient;
  readonly #protocol: ProtocolVersion;
  /** Highest revision of a type and family, as the kernel said. */
  readonly #revisions = new Map<string, number>();

  constructor(client: NetlinkClient, protocol: ProtocolVersion) {
    this.#client = client;
    this.#protocol = protocol;
  }

  async list(name?: string): Promise<Ipset[]> {
    const what = name === undefined ? "list ipsets" : `list ipset ${name}`;
    const messages = await this.#client.dump(listSets(this.#protocol, name), what).catch(noneAt(ENOENT));
    return setsOf(await readEach(messages, (message) => decodeBody(setMessage, message)));
  }

  async has(set: string, element: IpsetElement): Promise<boolean> {
    const [outcome] = (await this.#client.errors([testElement(this.#protocol, set, element)])).values();
    if (!outcome) return true;
    if (outcome.errno === errExist) return false;
    throw ipsetRefused(`test an element of ipset ${set}`, outcome);
  }

  async apply(steps: readonly IpsetStep[]): Promise<readonly (FairleadError | null)[]> {
    await this.#learnRevisions(steps);
    const requests: AnyRequest[] = [];
    /** The step that each request belongs to. */
    const owners: number[] = [];
    steps.forEach((step, index) => {
      for (const request of this.#requestsOf(step)) {
        requests.push(request);
        owners.push(index);
      }
    });
    const outcomes: (FairleadError | null)[] = steps.map(() => null);
    for (const [index, outcome] of await this.#client.errors(requests)) {
      const owner = owners[index]!;
      const step = steps[owner]!;
      outcomes[owner] ??= ipsetRefused(describeStep(step, failedElement(outcome.request)), outcome, typeOf(step));
    }
    return outcomes;
  }

  close(): void {
    this.#client.close();
  }

  #requestsOf(step: IpsetStep): readonly AnyRequest[] {
    // The table has an executor of each verb for that verb's step; the union hides which.
    const execute = this.#executors[step.verb] as (step: IpsetVerbs[keyof IpsetVerbs]) => readonly AnyRequest[];
    return execute(step);
  }

  readonly #executors: IpsetExecutors<readonly AnyRequest[]> = {
    create: ({ set, definition, exclusive = false }) => {
      const revision = this.#revisions.get(revisionKey(definition)) ?? 0;
      return [createSet(this.#protocol, set, definition, revision, exclusive)];
    },
    destroy: ({ set }) => [destroySet(this.#protocol, set)],
    flush: ({ set }) => [flushSet(this.#protocol, set)],
    rename: ({ set, to }) => [renameSet(this.#protocol, set, to)],
    swap: (step) => [swapSets(this.#protocol, step.set, step.with)],
    add: ({ set, elements, exclusive = false }) => changeElements("add", this.#protocol, set, elements, exclusive),
    remove: ({ set, elements, exclusive = false }) =>
      changeElements("remove", this.#protocol, set, elements, exclusive),
  };

  /** Asks once for the revision of each type to be created. A type that the kernel lacks is refused on creation. */
  async #learnRevisions(steps: readonly IpsetStep[]): Promise<void> {
    for (const step of steps) {
      if (step.verb !== "create" || this.#revisions.has(revisionKey(step.definition))) continue;
      const request: Request<SetMessage> = askType(this.#protocol, step.definition);
      const answers = await this.#client.request(request, "ask").catch((error: unknown) => {
        if (error instanceof FairleadError && error.code === "NETLINK_REFUSED") return [];
        throw error;
      });
      if (answers[0]) this.#revisions.set(revisionKey(step.definition), readRevision(answers[0]));
    }
  }
}

function revisionKey(definition: IpsetDefinition): string {
  return `${definition.type} ${familyOf(definition)}`;
}

function typeOf(step: IpsetStep): string | undefined {
  return step.verb === "create" ? step.definition.type : undefined;
}

function ipsetRefused(what: string, outcome: Outcome, type?: string): FairleadError {
  const words = outcome.message === undefined ? "" : `: ${outcome.message}`;
  return new FairleadError("NETLINK_REFUSED", {
    subject: what,
    reason: `${ipsetErrorText(outcome.errno, type)}${words}`,
    errno: outcome.errno,
  });
}
