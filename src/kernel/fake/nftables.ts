/**
 * nf_tables without a kernel: takes the bytes that the kernel would take, refuses what it refuses with
 * the same errno, and lists what it lists. No packets pass; time passes when it is told to.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import { decodeBody, encodeBatch, flag, splitDatagram, type ReceivedMessage } from "../netlink/codec/message.ts";
import type { Codec } from "../netlink/codec/codec.ts";
import { splitNfnetlinkType, subsystem } from "../netlink/nfnetlink.ts";
import { renderBatch } from "../netlink/nftables/batch.ts";
import { nftCodecs, nftMessage, type NftBody, type NftKind, type NftMessage } from "../netlink/nftables/message.ts";
import { transactionRefused } from "../netlink/nftables/refusal.ts";
import type { NftElement, NftTable, NftTableRef } from "../netlink/nftables/state.ts";
import type { NftStep } from "../netlink/nftables/step.ts";
import type { NftablesPort, NftChange } from "../ports.ts";
import type { Executor } from "./nftables/executors/executor.ts";
import { executors, type Change } from "./nftables/executors/index.ts";
import { expire } from "./nftables/expire.ts";
import { listElements, listTable } from "./nftables/list.ts";
import { errno, Refusal } from "./nftables/refusal.ts";
import { tableKey, type FakeTable } from "./nftables/ruleset.ts";
import { Transaction, type FakeKernel, type Flags } from "./nftables/transaction.ts";
import { validate } from "./nftables/validate.ts";

/** What a message of the batch asks for. */
interface Request {
  readonly change: Change;
  readonly body: NftBody<NftKind>;
  readonly flags: Flags;
}

const ownPortId = 1;

export class FakeNftables implements NftablesPort {
  readonly #kernel: FakeKernel = { ruleset: new Map(), nowMs: () => this.#nowMs, lastTableHandle: 0 };
  readonly #watches = new Set<(change: NftChange) => void>();
  #nowMs = 0;
  #generation = 1;

  async transact(steps: readonly NftStep[]): Promise<void> {
    if (steps.length === 0) return;
    const { requests, stepOf } = renderBatch(steps);
    const messages = splitDatagram(Buffer.from(encodeBatch(requests, 1)));
    this.#expire();
    this.#carryOut(messages.map(readRequest), (index, refusal) =>
      transactionRefused(steps, stepOf[index], { errno: refusal.errno, message: refusal.message }),
    );
    this.#generation++;
    this.#announce(steps);
  }

  async list({ family, name }: NftTableRef): Promise<NftTable | undefined> {
    this.#expire();
    const table = this.#kernel.ruleset.get(tableKey(family, name));
    return table && listTable(table, this.#generation, this.#nowMs);
  }

  async listElements({ family, name }: NftTableRef, set: string): Promise<readonly NftElement[]> {
    this.#expire();
    const there = this.#kernel.ruleset.get(tableKey(family, name))?.sets.get(set);
    if (there) return listElements(there, this.#nowMs);
    const subject = `list elements of ${family} ${name} ${set}`;
    throw new FairleadError("NETLINK_REFUSED", { subject, reason: "ENOENT", errno: errno.ENOENT });
  }

  async generation(): Promise<number> {
    return this.#generation;
  }

  async portId(): Promise<number> {
    return ownPortId;
  }

  async watch(onChange: (change: NftChange) => void): Promise<{ close(): void }> {
    const own = (change: NftChange): void => onChange(change);
    this.#watches.add(own);
    return { close: () => void this.#watches.delete(own) };
  }

  close(): void {
    // There is nothing to close.
  }

  /** Lets time pass: elements expire. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Tells the watches that events were lost. */
  overrun(): void {
    for (const watch of this.#watches) watch({ what: "overrun" });
  }

  #carryOut(requests: readonly (Request | undefined)[], refused: (index: number, refusal: Refusal) => Error): void {
    try {
      this.#attempt(requests, false, refused);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // As the kernel does, once the whole is found wrong: again from the start, to find whose fault it is.
      this.#attempt(requests, true, refused);
      throw refused(0, error);
    }
  }

  /** @throws what `refused` makes, or Refusal where the chains as a whole are wrong */
  #attempt(
    requests: readonly (Request | undefined)[],
    validateEach: boolean,
    refused: (index: number, refusal: Refusal) => Error,
  ): void {
    const transaction = new Transaction(this.#kernel);
    let index = 0;
    try {
      for (; index < requests.length; index++) {
        execute(requests[index], transaction);
        if (validateEach) validateAll(transaction.unvalidated);
      }
    } catch (error) {
      transaction.journal.rollback();
      throw error instanceof Refusal ? refused(index, error) : error;
    }
    try {
      validateAll(transaction.unvalidated);
    } catch (error) {
      transaction.journal.rollback();
      throw error;
    }
    for (const apply of transaction.atCommit) apply();
  }

  #expire(): void {
    expire(this.#kernel, this.#nowMs);
  }

  #announce(steps: readonly NftStep[]): void {
    const tables = new Map(steps.map(({ table: { family, name } }) => [tableKey(family, name), { family, name }]));
    const change: NftChange = {
      what: "changed",
      tables: [...tables.values()],
      generation: this.#generation,
      portId: ownPortId,
    };
    for (const watch of this.#watches) queueMicrotask(() => this.#watches.has(watch) && watch(change));
  }
}

function validateAll(tables: ReadonlySet<FakeTable>): void {
  for (const table of tables) validate(table);
}

const messageNames = new Map(
  Object.entries(nftMessage).map(([name, number]) => [number as number, name as NftMessage]),
);

/** Undefined for the messages that begin and end the batch. */
function readRequest(message: ReceivedMessage): Request | undefined {
  const { subsystemId, message: number } = splitNfnetlinkType(message.type);
  if (subsystemId !== subsystem.nftables) return undefined;
  const change = messageNames.get(number) as Change;
  const codec = nftCodecs[kindOf(change)] as Codec<unknown> as Codec<NftBody<NftKind>>;
  return { change, body: decodeBody(codec, message), flags: readFlags(message.flags) };
}

function kindOf(change: Change): NftKind {
  const noun = change.replace(/^(new|del|destroy)/, "").toLowerCase();
  return noun === "element" ? "elements" : (noun as NftKind);
}

function readFlags(flags: number): Flags {
  return {
    create: (flags & flag.create) !== 0,
    exclusive: (flags & flag.exclusive) !== 0,
    replace: (flags & flag.replace) !== 0,
    append: (flags & flag.append) !== 0,
    nonRecursive: (flags & flag.nonRecursive) !== 0,
  };
}

function execute(request: Request | undefined, transaction: Transaction): void {
  if (!request) return;
  (executors[request.change] as Executor<NftKind>)(request.body, request.flags, transaction);
}
