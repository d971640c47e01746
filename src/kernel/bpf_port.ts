/** The port to eBPF: programs that are loaded, their maps, and links that they are attached to. */

export interface BpfEntry {
  readonly key: Uint8Array;
  /** Of a per-CPU map one value for each possible CPU, each rounded up to 8 bytes. */
  readonly value: Uint8Array;
}

/** A program of native/bpf, loaded. It lives as long as this, or as it is attached. Source: bpf(2). */
export interface BpfProgram {
  readonly id: number;
  readonly name: string;
  /** Equal for equal instructions. */
  readonly tag: bigint;
  /** @throws FairleadError NATIVE_CALL, ENOENT for a map that the program has not, EINVAL for sizes that are not its */
  update(map: string, entries: readonly BpfEntry[]): Promise<void>;
  /** One that is not there is no error. */
  remove(map: string, keys: readonly Uint8Array[]): Promise<void>;
  /** In the kernel's order, which is none. */
  entries(map: string, keyBytes: number): Promise<readonly BpfEntry[]>;
  /**
   * tcx: sees what comes in by link `index`, until it is detached or the link goes. Where it is already, it stays.
   *
   * @throws FairleadError NATIVE_CALL, ENODEV
   */
  attach(index: number): Promise<void>;
  /** @throws FairleadError NATIVE_CALL, ENOENT where it is not, ENODEV */
  detach(index: number): Promise<void>;
  /** Idempotent. What is attached stays. */
  close(): void;
}

/** eBPF of the kernel, with the links of one network namespace. */
export interface BpfPort {
  /** @throws FairleadError NATIVE_CALL: ENOENT for what native/bpf has not, else a kernel that lacks what it needs */
  load(name: string): Promise<BpfProgram>;
  /** One that is loaded already; undefined: there is none any more. */
  open(id: number): Promise<BpfProgram | undefined>;
  /** Ids of the programs at link `index`, in their order. @throws FairleadError NATIVE_CALL, ENODEV; EINVAL before 6.6 */
  attached(index: number): Promise<readonly number[]>;
}
