/** Generic netlink whose families a test provides: what they get and give goes through the codecs. */
import { FairleadError } from "../../errors/catalogue.ts";
import { encodeBatch, splitDatagram } from "../netlink/codec/message.ts";
import {
  genericRequest,
  getFamily,
  readGeneric,
  type GenericCall,
  type GenericFamily,
  type GenericMessage,
} from "../netlink/genetlink.ts";
import type { GenericNetlinkPort } from "../ports.ts";
import { callRefused, errno, requestRefused } from "./refusal.ts";

/** Carries a command out: bodies of the answers, or the errno that it is refused with. */
export type FakeCommand = (body: object, flags: number) => readonly object[] | { readonly errno: number };

export interface FakeFamily {
  readonly family: GenericFamily;
  /** By the command's number. A command that is not here is refused with EOPNOTSUPP, as the kernel does. */
  readonly commands: Readonly<Record<number, FakeCommand>>;
}

export class FakeGenericNetlink implements GenericNetlinkPort {
  readonly #families: readonly FakeFamily[];
  #closed = false;

  constructor(families: readonly FakeFamily[] = []) {
    this.#families = families;
  }

  async family(name: string): Promise<GenericFamily | undefined> {
    this.#check(`find generic netlink family ${name}`);
    // A name that does not fit a message is refused as there.
    encodeBatch([getFamily(name)], 1);
    return this.#families.find(({ family }) => family.name === name)?.family;
  }

  async request<T extends object>(
    family: GenericFamily,
    call: GenericCall<T>,
    what: string,
  ): Promise<GenericMessage<T>[]> {
    this.#check(what);
    const command = this.#families.find((known) => known.family.id === family.id)?.commands[call.command];
    // A family that nobody registered is a message type without a receiver (genl_rcv_msg).
    if (!this.#families.some((known) => known.family.id === family.id)) throw requestRefused(what, errno.noEntry);
    if (!command) throw requestRefused(what, errno.notSupported);
    const { genl, ...body } = throughTheWire(family, call);
    const answers = command(body, call.flags ?? 0);
    if ("errno" in answers) throw requestRefused(what, answers.errno);
    return answers.map((answer) => ({ ...throughTheWire(family, { ...call, body: answer as T }), genl }));
  }

  dump<T extends object>(family: GenericFamily, call: GenericCall<T>, what: string): Promise<GenericMessage<T>[]> {
    return this.request(family, call, what);
  }

  async apply<T extends object>(
    family: GenericFamily,
    calls: readonly GenericCall<T>[],
    describe: (index: number) => string,
  ): Promise<readonly (FairleadError | null)[]> {
    const outcomes: (FairleadError | null)[] = [];
    for (const [index, call] of calls.entries()) {
      outcomes.push(await this.request(family, call, describe(index)).then(() => null, refusal));
    }
    return outcomes;
  }

  close(): void {
    this.#closed = true;
  }

  #check(what: string): void {
    if (this.#closed) throw callRefused(what, errno.canceled);
  }
}

/** What is left of a body once it was bytes: what does not fit throws, what the codec does not name is gone. */
function throughTheWire<T extends object>(family: GenericFamily, call: GenericCall<T>): GenericMessage<T> {
  const [message] = splitDatagram(encodeBatch([genericRequest(family, call)], 1));
  return readGeneric(call.payload, message!);
}

function refusal(error: unknown): FairleadError {
  if (error instanceof FairleadError && error.code === "NETLINK_REFUSED") return error;
  throw error;
}
