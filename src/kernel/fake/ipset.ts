/** ipsets in memory. Time does not pass: elements with a timeout stay. */
import type { FairleadError } from "../../errors/catalogue.ts";
import { encodeBatch } from "../netlink/codec/message.ts";
import { ipsetErrorText } from "../netlink/ipset/errors.ts";
import { changeElements, createSet, destroySet, renameSet, testElement } from "../netlink/ipset/messages.ts";
import type { Ipset, IpsetDefinition, IpsetElement } from "../netlink/ipset/set.ts";
import { describeStep, type IpsetExecutors, type IpsetStep, type IpsetVerbs } from "../netlink/ipset/step.ts";
import type { IpsetPort } from "../ports.ts";
import { accept, elementKey, ipsetErrno } from "./ipset_element.ts";
import { callRefused, errno, notModelled, requestRefused } from "./refusal.ts";

interface FakeSet {
  readonly definition: IpsetDefinition;
  readonly elements: Map<string, IpsetElement>;
}

/** Why a step fails: an errno, with the index of the element; or what the fake does not model. */
type Failure = { readonly errno: number; readonly element?: number } | { readonly notModelled: string };

export class FakeIpset implements IpsetPort {
  readonly #sets = new Map<string, FakeSet>();
  #closed = false;

  async list(name?: string): Promise<Ipset[]> {
    this.#check("list ipsets");
    return [...this.#sets]
      .filter(([found]) => name === undefined || found === name)
      .map((entry) => this.#show(...entry));
  }

  async has(set: string, element: IpsetElement): Promise<boolean> {
    const what = `test an element of ipset ${set}`;
    this.#check(what);
    encodeBatch([testElement(7, set, element)], 1);
    const found = this.#sets.get(set);
    if (!found) throw requestRefused(what, errno.noEntry);
    const accepted = accept(found.definition, element);
    if ("notModelled" in accepted) throw notModelled(accepted.notModelled);
    if ("errno" in accepted) throw requestRefused(what, accepted.errno, ipsetErrorText(accepted.errno));
    return found.elements.has(elementKey(accepted.element));
  }

  async apply(steps: readonly IpsetStep[]): Promise<readonly (FairleadError | null)[]> {
    this.#check("change ipsets");
    for (const step of steps) checkEncodes(step);
    return steps.map((step) => {
      // The table has an executor of each verb for that verb's step; the union hides which.
      const execute = this.#executors[step.verb] as (step: IpsetVerbs[keyof IpsetVerbs]) => Failure | null;
      const failure = execute(step);
      return failure && errorOf(step, failure, this.#sets.get(step.set)?.definition.type);
    });
  }

  close(): void {
    this.#closed = true;
  }

  readonly #executors: IpsetExecutors<Failure | null> = {
    create: ({ set, definition, exclusive }) => {
      const found = this.#sets.get(set);
      const isSame = found && JSON.stringify(found.definition) === JSON.stringify(definition);
      if (found) return isSame && !exclusive ? null : { errno: errno.exists };
      this.#sets.set(set, { definition, elements: new Map() });
      return null;
    },
    destroy: ({ set }) => {
      if (!this.#sets.has(set)) return { errno: errno.noEntry };
      if (this.#references(set) > 0) return { errno: ipsetErrno.busy };
      this.#sets.delete(set);
      return null;
    },
    flush: ({ set }) => {
      const found = this.#sets.get(set);
      found?.elements.clear();
      return found ? null : { errno: errno.noEntry };
    },
    rename: ({ set, to }) => {
      const found = this.#sets.get(set);
      if (!found) return { errno: errno.noEntry };
      if (this.#references(set) > 0) return { errno: ipsetErrno.referenced };
      if (this.#sets.has(to)) return { errno: ipsetErrno.existName2 };
      this.#sets.delete(set);
      this.#sets.set(to, found);
      return null;
    },
    swap: (step) => this.#swap(step.set, step.with),
    add: (step) => this.#change(step, (set, element) => this.#add(set, element, step.exclusive ?? false)),
    remove: (step) =>
      this.#change(step, (set, element) =>
        set.elements.delete(elementKey(element)) || !step.exclusive ? null : ipsetErrno.exists,
      ),
  };

  #swap(name: string, other: string): Failure | null {
    const [first, second] = [this.#sets.get(name), this.#sets.get(other)];
    if (!first) return { errno: errno.noEntry };
    if (!second) return { errno: ipsetErrno.existName2 };
    if (kindOf(first) !== kindOf(second)) return { errno: ipsetErrno.typeMismatch };
    this.#sets.set(name, second);
    this.#sets.set(other, first);
    return null;
  }

  /** Up to the first element that fails, as the kernel does. */
  #change(step: IpsetVerbs["add"], change: (set: FakeSet, element: IpsetElement) => number | null): Failure | null {
    const set = this.#sets.get(step.set);
    if (!set) return step.elements.length === 0 ? null : { errno: errno.noEntry };
    for (const [index, element] of step.elements.entries()) {
      const accepted = accept(set.definition, element);
      if ("notModelled" in accepted) return accepted;
      const failed = "errno" in accepted ? accepted.errno : change(set, accepted.element);
      if (failed !== null) return { errno: failed, element: index };
    }
    return null;
  }

  #add(set: FakeSet, element: IpsetElement, exclusive: boolean): number | null {
    const key = elementKey(element);
    if (set.elements.has(key)) {
      if (exclusive) return ipsetErrno.exists;
    } else {
      const refusal = this.#refuseNew(set, element);
      if (refusal !== null) return refusal;
    }
    set.elements.set(key, withDefaults(set.definition, element));
    return null;
  }

  #refuseNew({ definition, elements }: FakeSet, element: IpsetElement): number | null {
    if (definition.type === "list:set") {
      const listed = this.#sets.get(element.set ?? "");
      if (!listed) return ipsetErrno.specific;
      if (listed.definition.type === "list:set") return ipsetErrno.loop;
      return elements.size < (definition.size ?? 8) ? null : ipsetErrno.listFull;
    }
    const most = "maxElements" in definition ? (definition.maxElements ?? 65_536) : 65_536;
    return elements.size < most ? null : ipsetErrno.specific;
  }

  #references(name: string): number {
    const key = elementKey({ set: name });
    const isListed = ({ definition, elements }: FakeSet): boolean =>
      definition.type === "list:set" && elements.has(key);
    return [...this.#sets.values()].filter(isListed).length;
  }

  #show(name: string, { definition, elements }: FakeSet): Ipset {
    return {
      name,
      definition: shown(definition),
      revision: 0,
      references: this.#references(name),
      memoryBytes: 0,
      elementCount: elements.size,
      elements: [...elements.values()],
    };
  }

  #check(what: string): void {
    if (this.#closed) throw callRefused(what, errno.canceled);
  }
}

/** With the kernel's defaults (ip_set_hash_gen.h, ip_set_list_set.c). */
function shown(definition: IpsetDefinition): IpsetDefinition {
  if (definition.type === "bitmap:port") return definition;
  if (definition.type === "list:set") return { size: 8, ...definition };
  return { hashSize: 1024, maxElements: 65_536, ...definition };
}

function withDefaults(definition: IpsetDefinition, element: IpsetElement): IpsetElement {
  const { timeoutSeconds, counters } = definition;
  return {
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(counters && { packets: 0n, bytes: 0n }),
    ...element,
  };
}

function kindOf({ definition }: FakeSet): string {
  return `${definition.type} ${"family" in definition ? definition.family : ""}`;
}

/** Values that do not fit a message are refused here as there. @throws FairleadError NETLINK_ENCODE */
function checkEncodes(step: IpsetStep): void {
  switch (step.verb) {
    case "create":
      return void encodeBatch([createSet(7, step.set, step.definition, 0, false)], 1);
    case "rename":
      return void encodeBatch([renameSet(7, step.set, step.to)], 1);
    case "swap":
      return void encodeBatch([renameSet(7, step.set, step.with)], 1);
    case "add":
    case "remove":
      return void encodeBatch(changeElements(step.verb, 7, step.set, step.elements, false), 1);
    case "destroy":
    case "flush":
      return void encodeBatch([destroySet(7, step.set)], 1);
  }
}

function errorOf(step: IpsetStep, failure: Failure, type?: string): FairleadError {
  if ("notModelled" in failure) return notModelled(`${describeStep(step)}: ${failure.notModelled}`);
  return requestRefused(describeStep(step, failure.element), failure.errno, ipsetErrorText(failure.errno, type));
}
