/** Named network namespaces in memory; nothing is in them. */
import { namespaceFolder, namespacePath } from "../namespace_name.ts";
import type { NamespacePort, NamespaceSource, NetworkNamespace } from "../ports.ts";
import { callRefused, errno } from "./refusal.ts";

export interface FakeNamespacesOptions {
  /** Namespaces of processes: the inode by pid. */
  readonly processes?: ReadonlyMap<number, bigint>;
}

export class FakeNamespaces implements NamespacePort {
  readonly #named = new Map<string, bigint>();
  readonly #processes: ReadonlyMap<number, bigint>;
  /** Namespaces that are open, by the path of their descriptor. */
  readonly #open = new Map<string, bigint>();
  #nextInode = 4_026_532_000n;
  #nextDescriptor = 3;

  constructor(options: FakeNamespacesOptions = {}) {
    this.#processes = options.processes ?? new Map();
  }

  /** Handles that were not closed: what a leak test compares. */
  get openHandles(): number {
    return this.#open.size;
  }

  async create(name: string): Promise<NetworkNamespace> {
    const path = namespacePath(name);
    if (this.#named.has(path)) throw callRefused(`create network namespace ${name}`, errno.exists);
    const inode = this.#nextInode++;
    this.#named.set(path, inode);
    return this.#handle(inode);
  }

  async open(source: NamespaceSource): Promise<NetworkNamespace> {
    const inode = this.#find(source);
    if (inode === undefined) {
      throw callRefused(`open the network namespace of ${JSON.stringify(source)}`, errno.noEntry);
    }
    return this.#handle(inode);
  }

  async delete(name: string): Promise<void> {
    const isGone = this.#named.delete(namespacePath(name));
    if (!isGone) throw callRefused(`delete network namespace ${name}`, errno.noEntry);
  }

  async list(): Promise<readonly string[]> {
    return [...this.#named.keys()].map((path) => path.slice(namespaceFolder.length + 1)).sort();
  }

  #find(source: NamespaceSource): bigint | undefined {
    if ("pid" in source) return this.#processes.get(source.pid);
    const path = "name" in source ? namespacePath(source.name) : source.path;
    return this.#named.get(path) ?? this.#open.get(path);
  }

  #handle(inode: bigint): NetworkNamespace {
    const fd = this.#nextDescriptor++;
    const path = `/proc/self/fd/${fd}`;
    this.#open.set(path, inode);
    return { inode, path, fd, close: () => void this.#open.delete(path) };
  }
}
