/** What the executors of a transaction share: the ruleset, how to take changes back, and look-ups that can fail. */
import type { Verdict } from "../../netlink/nftables/data.ts";
import { Journal } from "./journal.ts";
import { checkName, errno, found, needed, Refusal, require } from "./refusal.ts";
import {
  isBase,
  objectKey,
  tableKey,
  type FakeChain,
  type FakeObject,
  type FakeSet,
  type FakeTable,
  type References,
  type Ruleset,
} from "./ruleset.ts";

/** What the fake pretends to have. */
export interface FakeKernel {
  readonly ruleset: Ruleset;
  readonly nowMs: () => number;
  lastTableHandle: number;
}

/** Flags of a request (NLM_F_*), as the executors read them. */
export interface Flags {
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly replace: boolean;
  readonly append: boolean;
  readonly nonRecursive: boolean;
}

export class Transaction {
  readonly journal = new Journal();
  readonly kernel: FakeKernel;
  /** Sets of this transaction by NFTA_SET_ID. */
  readonly setsById = new Map<number, FakeSet>();
  /** Tables whose chains have to be walked before this can be committed. */
  readonly unvalidated = new Set<FakeTable>();

  /** What the kernel does at the commit: until then later steps see sets as they were. */
  readonly atCommit: (() => void)[] = [];

  constructor(kernel: FakeKernel) {
    this.kernel = kernel;
  }

  get ruleset(): Ruleset {
    return this.kernel.ruleset;
  }

  table(family: string, name: string | undefined): FakeTable {
    const named = needed(name, "the table");
    checkName(named);
    return found(this.ruleset.get(tableKey(family, named)), `table ${named}`);
  }

  chain(table: FakeTable, name: string | undefined): FakeChain {
    const named = needed(name, "the chain");
    checkName(named);
    return found(table.chains.get(named), `chain ${named}`);
  }

  /** By name, or by the id that it has in this transaction (nft_set_lookup_global). */
  set(table: FakeTable, name: string | undefined, id: number | undefined): FakeSet {
    const named = needed(name, "the set");
    checkName(named);
    const byId = id === undefined ? undefined : this.setsById.get(id);
    return found(table.sets.get(named) ?? byId, `set ${named}`);
  }

  object(table: FakeTable, kind: string, name: string): FakeObject {
    return found(table.objects.get(objectKey(kind, name)), `${kind} ${name}`);
  }

  /** nft_verdict_init: the chain that a verdict goes to, if it goes to one. */
  verdictChain(table: FakeTable, verdict: Verdict): FakeChain | undefined {
    switch (needed(verdict.code, "the verdict's code")) {
      case "jump":
      case "goto": {
        const chain = this.chain(table, verdict.chain);
        require(!isBase(chain), errno.EOPNOTSUPP, "a base chain cannot be jumped to");
        return chain;
      }
      case "accept":
      case "drop":
      case "continue":
      case "break":
      case "return":
        return undefined;
      default:
        throw new Refusal(errno.EINVAL, "the verdict is unknown");
    }
  }

  nextHandle(table: FakeTable): number {
    this.journal.assign(table, "lastHandle", table.lastHandle + 1);
    return table.lastHandle;
  }

  /** @param delta 1 when what refers is added, -1 when it goes */
  refer(references: References, delta: 1 | -1): void {
    for (const chain of references.chains) this.journal.assign(chain, "use", chain.use + delta);
    for (const set of references.sets) this.journal.assign(set, "bindings", set.bindings + delta);
    for (const object of references.objects) this.journal.assign(object, "use", object.use + delta);
  }
}
