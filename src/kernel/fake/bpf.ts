/** eBPF in memory: programs that do nothing, with maps that hold what they are told. */
import type { BpfEntry, BpfPort, BpfProgram } from "../bpf_port.ts";
import { callRefused, errno } from "./refusal.ts";

const noDevice = 19;

export interface FakeBpfMap {
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Keys, as hex, that an array has from the start. */
  readonly entries?: readonly string[];
}

export interface FakeBpfObject {
  readonly program: string;
  readonly tag: bigint;
  readonly maps: Readonly<Record<string, FakeBpfMap>>;
}

interface LoadedMap extends Omit<FakeBpfMap, "entries"> {
  readonly entries: Map<string, Buffer>;
}

interface Loaded extends Omit<FakeBpfObject, "maps"> {
  readonly id: number;
  readonly maps: ReadonlyMap<string, LoadedMap>;
}

export interface FakeBpfOptions {
  /** By the name that they are loaded by. They may change. */
  readonly objects: Record<string, FakeBpfObject>;
  readonly hasLink: (index: number) => boolean;
  /** False: a kernel before 6.6. */
  readonly hasTcx?: boolean;
}

/** A program goes when nobody has it open and it is attached nowhere. */
export class FakeBpf implements BpfPort {
  readonly #options: FakeBpfOptions;
  readonly #loaded = new Map<number, Loaded>();
  readonly #open = new Map<number, number>();
  readonly #attached = new Map<number, number[]>();
  #lastId = 0;

  constructor(options: FakeBpfOptions) {
    this.#options = options;
  }

  /** Handles that are open. */
  get openHandles(): number {
    return [...this.#open.values()].reduce((sum, count) => sum + count, 0);
  }

  async load(name: string): Promise<BpfProgram> {
    const object = this.#options.objects[name];
    if (!object) throw callRefused(`load eBPF program ${name}`, errno.noEntry);
    const { program, tag } = object;
    const maps = new Map(Object.entries(object.maps).map(([map, size]) => [map, loadedMap(size)]));
    const loaded = { id: ++this.#lastId, program, tag, maps };
    this.#loaded.set(loaded.id, loaded);
    return Promise.resolve(this.#handle(loaded));
  }

  async open(id: number): Promise<BpfProgram | undefined> {
    this.#collect();
    const loaded = this.#loaded.get(id);
    return Promise.resolve(loaded && this.#handle(loaded));
  }

  async attached(index: number): Promise<readonly number[]> {
    if (this.#options.hasTcx === false) throw callRefused(`see programs of link ${index}`, errno.invalid);
    return Promise.resolve([...this.#at(index)]);
  }

  #at(index: number): number[] {
    if (!this.#options.hasLink(index)) throw callRefused(`see programs of link ${index}`, noDevice);
    const there = this.#attached.get(index) ?? [];
    this.#attached.set(index, there);
    return there;
  }

  #handle(loaded: Loaded): BpfProgram {
    const { id } = loaded;
    let isOpen = true;
    this.#open.set(id, (this.#open.get(id) ?? 0) + 1);
    const map = (name: string) => {
      const found = isOpen ? loaded.maps.get(name) : undefined;
      if (!found) throw callRefused(`use eBPF map ${name}`, errno.noEntry);
      return found;
    };
    return {
      id,
      name: loaded.program,
      tag: loaded.tag,
      update: async (name, entries) => Promise.resolve(update(map(name), name, entries)),
      remove: async (name, keys) => {
        for (const key of keys) map(name).entries.delete(Buffer.from(key).toString("hex"));
        return Promise.resolve();
      },
      entries: async (name) =>
        Promise.resolve([...map(name).entries].map(([key, value]) => ({ key: Buffer.from(key, "hex"), value }))),
      attach: async (index) => {
        const there = this.#at(index);
        if (!there.includes(id)) there.push(id);
        return Promise.resolve();
      },
      detach: async (index) => {
        const there = this.#at(index);
        if (!there.includes(id)) throw callRefused(`detach from link ${index}`, errno.noEntry);
        there.splice(there.indexOf(id), 1);
        return Promise.resolve();
      },
      close: () => {
        if (isOpen) this.#open.set(id, this.#open.get(id)! - 1);
        isOpen = false;
      },
    };
  }

  #collect(): void {
    const attached = new Set([...this.#attached].flatMap(([index, ids]) => (this.#options.hasLink(index) ? ids : [])));
    for (const id of this.#loaded.keys()) if (!this.#open.get(id) && !attached.has(id)) this.#loaded.delete(id);
  }
}

function loadedMap({ keyBytes, valueBytes, entries = [] }: FakeBpfMap): LoadedMap {
  return { keyBytes, valueBytes, entries: new Map(entries.map((key) => [key, Buffer.alloc(valueBytes)])) };
}

function update({ keyBytes, valueBytes, entries: there }: LoadedMap, name: string, entries: readonly BpfEntry[]): void {
  for (const { key, value } of entries) {
    const isRight = key.length === keyBytes && value.length === valueBytes;
    if (!isRight) throw callRefused(`write eBPF map ${name}`, errno.invalid);
    there.set(Buffer.from(key).toString("hex"), Buffer.from(value));
  }
}
