/**
 * Keeps the pod fast path: a program at the links of pods and tunnels that takes packets of established connections
 * past the stack. It is attached in the kernel, so that it goes on without this process; docs/decisions/063 says why.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import type { BpfPort, BpfProgram } from "../../kernel/bpf_port.ts";
import type { RoutingPort, SysctlPort } from "../../kernel/ports.ts";
import { systemClock, type Clock } from "../../reconcile/clock.ts";
import { WorkQueue } from "../../reconcile/work_queue.ts";
import type { PodLink } from "../links/link.ts";
import { podLinkGroup } from "../links/names.ts";
import { planFastPath, type FastPathStep } from "./plan.ts";
import { decodeKey, encodeKey, keyBytes, names, sumOfCounts } from "./state.ts";

export interface FastPathSettings {
  readonly bpf: BpfPort;
  readonly routing: RoutingPort;
  readonly sysctl: SysctlPort;
  /** Links of pods that are there. */
  readonly pods: () => readonly PodLink[];
  readonly isTunnel: (name: string) => boolean;
  readonly onError: (error: unknown) => void;
  /** Told once, when it is known whether this kernel can do it. @param why undefined: it can */
  readonly onProbed?: (why: FairleadError | undefined) => void;
  readonly clock?: Clock;
}

/** Plugins behind ours in the chain have put on a pod's link by then what they put there, in ms. */
const settleMs = 1000;
/** A second look after a change, for what came late, in ms. */
const againMs = 10_000;
const resyncMs = 60_000;
const backoff = { firstMs: 1000, maxMs: 60_000 };
const theQueue = "fast path";
const [noEntry, noDevice] = [2, 19];

/**
 * Sequence numbers of packets that conntrack did not see are no reason to call the connection's end invalid: rules of
 * others (kube-proxy's among them) drop what is.
 */
const liberal = "net.netfilter.nf_conntrack_tcp_be_liberal";

export class FastPath {
  readonly #settings: FastPathSettings;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  readonly #outdated = new Map<number, BpfProgram>();
  #program: BpfProgram | undefined;
  #links = 0;
  #changedAt = -againMs;
  #isOff = false;

  constructor(settings: FastPathSettings) {
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    this.#queue = new WorkQueue({
      reconcile: () => this.#turn(),
      workers: 1,
      backoff,
      onError: (_, error) => settings.onError(error),
      clock: this.#clock,
    });
  }

  start(): void {
    this.#queue.start();
    this.#queue.add(theQueue);
  }

  /** Links came or went. */
  changed(): void {
    this.#changedAt = this.#clock.now();
    this.#queue.addAfter(theQueue, settleMs);
  }

  /** Links that take part. */
  get links(): number {
    return this.#links;
  }

  /** Packets that went this way, since the program was loaded. */
  async packets(): Promise<number> {
    const entries = await this.#program?.entries(names.counts, keyBytes);
    return sumOfCounts(entries?.[0]?.value ?? new Uint8Array());
  }

  /** Ends; what is attached goes on. */
  async stop(): Promise<void> {
    await this.#queue.stop();
    this.#closePrograms();
  }

  /** Observes, plans and applies once. @throws FairleadError of the port that refused */
  async sync(): Promise<void> {
    const program = await this.#ready();
    if (!program) return;
    const { pods, isTunnel } = this.#settings;
    const observed = await this.#observe(program);
    const outdated = new Set(this.#outdated.keys());
    const steps = planFastPath(observed, { pods: pods(), isTunnel, program: program.id, outdated });
    if (steps.length === 0 && observed.entries.size === 0) return;
    // Before the first packet goes past conntrack, and again where somebody loaded other parameters since.
    await this.#settings.sysctl.write(liberal, "1");
    for (const step of steps) await this.#apply(program, step);
    this.#links = (await program.entries(names.links, keyBytes)).length;
    for (const [id, old] of this.#outdated) {
      old.close();
      this.#outdated.delete(id);
    }
  }

  /** A kernel may load it when the first rule needs it; before that the program finds none of its functions. */
  async #hasConntrack(): Promise<boolean> {
    try {
      await this.#settings.sysctl.read(liberal);
      return true;
    } catch (error) {
      if (error instanceof FairleadError && error.errno === noEntry) return false;
      throw error;
    }
  }

  async #turn(): Promise<{ readonly againAfterMs: number } | undefined> {
    const sinceMs = this.#clock.now() - this.#changedAt;
    await this.sync();
    if (this.#isOff) return undefined;
    // A change may have come just before a turn that another one had asked for.
    return { againAfterMs: sinceMs < settleMs ? settleMs : sinceMs < againMs ? againMs : resyncMs };
  }

  /** The program: the one that is attached already where it is the same, so that nothing changes with a restart. */
  async #ready(): Promise<BpfProgram | undefined> {
    if (this.#program || this.#isOff || !(await this.#hasConntrack())) return this.#program;
    const loaded = await this.#load();
    if (!loaded) return undefined;
    const there = await attachedPrograms(this.#settings.bpf, await this.#candidates());
    for (const old of there) {
      if (old.tag === loaded.tag && !this.#program) this.#program = old;
      else this.#outdated.set(old.id, old);
    }
    if (this.#program) loaded.close();
    this.#program ??= loaded;
    return this.#program;
  }

  /** @returns undefined where this kernel cannot: it has no tcx (6.6), no functions for conntrack (6.0), no BTF */
  async #load(): Promise<BpfProgram | undefined> {
    const { bpf, onProbed } = this.#settings;
    try {
      await bpf.attached(loopback);
      const loaded = await bpf.load(names.object);
      onProbed?.(undefined);
      return loaded;
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#isOff = true;
      onProbed?.(error);
      return undefined;
    }
  }

  async #observe(program: BpfProgram) {
    const { routing, bpf } = this.#settings;
    const links = await routing.links();
    const qdiscs = await routing.qdiscs();
    const attached = new Map<number, readonly number[]>();
    for (const index of this.#ofInterest(links)) {
      const programs = await whileThere(bpf.attached(index));
      if (programs) attached.set(index, programs);
    }
    const there = await program.entries(names.links, keyBytes);
    const entries = new Map(there.map(({ key, value }) => [decodeKey(key), Buffer.from(value).toString("hex")]));
    return { links, qdiscs, attached, entries };
  }

  async #candidates(): Promise<readonly number[]> {
    return this.#ofInterest(await this.#settings.routing.links());
  }

  #ofInterest(links: Awaited<ReturnType<RoutingPort["links"]>>): readonly number[] {
    const { isTunnel } = this.#settings;
    return links
      .filter(({ group, info, name = "" }) => group === podLinkGroup || (info?.kind === "vxlan" && isTunnel(name)))
      .map(({ index }) => index);
  }

  async #apply(program: BpfProgram, step: FastPathStep): Promise<void> {
    switch (step.step) {
      case "set link": {
        const value = Buffer.from(step.value, "hex");
        return program.update(names.links, [{ key: encodeKey(step.index), value }]);
      }
      case "forget link":
        return program.remove(names.links, [encodeKey(step.index)]);
      case "attach":
        await whileThere(program.attach(step.index));
        return;
      case "detach":
        await whileThere((this.#outdated.get(step.program) ?? program).detach(step.index));
        return;
    }
  }

  #closePrograms(): void {
    this.#program?.close();
    for (const old of this.#outdated.values()) old.close();
    this.#program = undefined;
    this.#outdated.clear();
  }
}

/** A link that every namespace has. */
const loopback = 1;

/** Programs of ours at these links, each once. */
async function attachedPrograms(bpf: BpfPort, links: readonly number[]): Promise<readonly BpfProgram[]> {
  const ids = new Set<number>();
  for (const index of links) for (const id of (await whileThere(bpf.attached(index))) ?? []) ids.add(id);
  const programs: BpfProgram[] = [];
  for (const id of ids) {
    const program = await bpf.open(id);
    if (program?.name === names.program) programs.push(program);
    else program?.close();
  }
  return programs;
}

/** Takes it away from all links, whichever version it is. A kernel without tcx has nothing to take away. */
export async function removeFastPath(bpf: BpfPort, routing: RoutingPort): Promise<void> {
  try {
    await bpf.attached(loopback);
  } catch {
    return;
  }
  const links = (await routing.links()).map(({ index }) => index);
  for (const program of await attachedPrograms(bpf, links)) {
    for (const index of links) {
      if ((await whileThere(bpf.attached(index)))?.includes(program.id)) await whileThere(program.detach(index));
    }
    program.close();
  }
}

/** A link that went meanwhile took what was on it along. */
async function whileThere<T>(done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof FairleadError && error.errno === noDevice) return undefined;
    throw error;
  }
}
