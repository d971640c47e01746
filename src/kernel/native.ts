/**
 * The native add-on, declared: the whole surface of `native/` and the only place that loads it.
 *
 * The add-on decides nothing. It opens descriptors, sends bytes, returns bytes. Every call that can
 * block runs off the main thread and returns a Promise; every handle is closed explicitly, and
 * closing twice is harmless. Messages are encoded and decoded by `kernel/netlink/`.
 *
 * Every rejection is a {@link NativeError}. Argument mistakes are a `TypeError` that names the argument.
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { existsSync } from "node:fs";
import path from "node:path";
import { FairleadError } from "../errors/catalogue.ts";

/** What a failed system call reports. `code` is the errno's name ("ENOENT"), `syscall` the call that failed. */
export interface NativeError extends Error {
  /** Positive errno. */
  readonly errno: number;
  /** Name of the errno, or "EUNKNOWN" for one that has no name. */
  readonly code: string;
  /** The operation that failed: "setns", "bind", "sendmsg", "recvmsg", … */
  readonly syscall: string;
  /** What it failed on (a path, a pid, a protocol), when there is something to name. */
  readonly subject?: string;
}

/** Which network namespace: this process's own, a path (`/run/netns/x`, `/proc/1/ns/net`), a pid, or an open handle. */
export type NamespaceRef = null | string | { readonly pid: number } | NativeNamespace;

/** An open network namespace. It lives as long as this descriptor, a mount, a process or a socket holds it. */
export interface NativeNamespace {
  /** The descriptor, for `/proc/self/fd/N` and IFLA_NET_NS_FD. -1 once closed. Owned by this handle. */
  readonly fd: number;
  /** Inode of the namespace (what `readlink /proc/self/ns/net` prints): equal for equal namespaces. */
  readonly inode: bigint;
  /** Closes the descriptor; a named namespace stays. Idempotent. */
  close(): void;
}

export interface RunOptions {
  /** Program and its arguments; the program is looked up in PATH. */
  readonly argv: readonly [string, ...string[]];
  /** Whole environment as NAME=value strings; the default is this process's. */
  readonly env?: readonly string[];
  /** Bytes for the standard input; the default is none (/dev/null). */
  readonly stdin?: Buffer;
  /** The child (its process group) is killed after this many ms, and the promise rejects with ETIMEDOUT. */
  readonly timeoutMs: number;
  /** Bound of each of stdout and stderr in bytes; past it the child is killed and the promise rejects with EFBIG. */
  readonly maxOutputBytes: number;
}

export interface RunResult {
  /** Exit status, or null when a signal ended it. */
  readonly status: number | null;
  /** Signal number, or null. */
  readonly signal: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface NetlinkSocketOptions {
  /** NETLINK_ROUTE 0, NETLINK_NETFILTER 12, NETLINK_GENERIC 16, … */
  readonly protocol: number;
  readonly namespace: NamespaceRef;
  /** SO_RCVBUFFORCE (SO_RCVBUF without the capability), in bytes. */
  readonly receiveBufferBytes: number;
  /** Most bytes of one batch; SO_SNDBUFFORCE is raised to hold it when it is sent. */
  readonly maxBatchBytes: number;
  /** Most requests waiting on this socket; one more is rejected with EBUSY. */
  readonly maxQueued: number;
  /** NETLINK_GET_STRICT_CHK: dump requests are filtered by the kernel, and refused when malformed. */
  readonly strictChecking: boolean;
}

/**
 * A netlink socket for requests. Requests are sent one after another in the order they were made.
 * Extended acknowledgements (NETLINK_EXT_ACK) are on; acknowledgements are capped (NETLINK_CAP_ACK).
 */
export interface NativeNetlinkSocket {
  /** Port id that the kernel gave (nlmsg_pid of its replies). */
  readonly portId: number;
  /** Requests waiting or running. */
  readonly pending: number;
  /**
   * Sends the batch in one sendmsg(2) and collects every datagram the kernel answers.
   *
   * The kernel answers within sendmsg(2), and a dump within recvmsg(2), so that the answer is whole
   * when nothing is left to read and `terminators` messages of type NLMSG_ERROR or NLMSG_DONE have
   * come. Where fewer came, it waits for more until `timeoutMs`, then rejects with ETIMEDOUT.
   *
   * Rejects with ENOBUFS on a receive overrun: answers were lost, so that the outcome of the batch
   * is unknown; the socket is drained and can be used again. EMSGSIZE: larger than maxBatchBytes.
   * ECANCELED: the socket was closed before the request was sent.
   *
   * @param batch messages back to back, each aligned to 4; it must not be changed until the promise settles
   * @returns the datagrams, in order, one Buffer each
   */
  exchange(batch: Uint8Array, terminators: number, timeoutMs: number): Promise<Buffer[]>;
  /** Closes at once; waiting requests are rejected with ECANCELED, a running one ends as it ends. Idempotent. */
  close(): void;
}

export interface NetlinkSubscriptionOptions {
  readonly protocol: number;
  readonly namespace: NamespaceRef;
  /** Multicast group numbers (RTNLGRP_*, NFNLGRP_*, or a generic family's), not a bit mask. */
  readonly groups: readonly number[];
  readonly receiveBufferBytes: number;
  /** Most bytes handed to one callback: the rest comes in the next turn of the event loop. */
  readonly maxBytesPerTurn: number;
}

/** A socket that listens to multicast groups. It does not keep the process alive by itself. */
export interface NativeNetlinkSubscription {
  /** Stops, closes the descriptor, calls back no more. Idempotent. */
  close(): void;
}

export interface NativeAddon {
  /** Opens a namespace by reference (setns(2) is not called). */
  openNamespace(ref: Exclude<NamespaceRef, NativeNamespace>): Promise<NativeNamespace>;
  /** Makes a namespace that lives as long as its handle. Its loopback is down, as the kernel makes it. */
  createNamespace(): Promise<NativeNamespace>;
  /** Makes a namespace and mounts it at `path` (as `ip netns add` does under /run/netns). EEXIST when the file is there. */
  createNamedNamespace(path: string): Promise<NativeNamespace>;
  /** Unmounts and removes what createNamedNamespace made. ENOENT when it is not there. */
  deleteNamedNamespace(path: string): Promise<void>;
  /** Runs a program in the namespace and waits for it. */
  runInNamespace(ref: NamespaceRef, options: RunOptions): Promise<RunResult>;
  /** Reads a file (a sysctl under /proc/sys/net) as a thread of the namespace sees it. At most 64 KiB. */
  readFileInNamespace(ref: NamespaceRef, path: string): Promise<Buffer>;
  /** Writes a file (a sysctl) in one write(2), never creating it. */
  writeFileInNamespace(ref: NamespaceRef, path: string, data: Uint8Array): Promise<void>;
  openNetlink(options: NetlinkSocketOptions): Promise<NativeNetlinkSocket>;
  /**
   * Calls `onDatagrams(null, datagrams)` on the main thread as they come. An overrun comes as
   * `onDatagrams(error, [])` with code ENOBUFS: messages were lost, observe again. Any other error
   * is final: the subscription has closed itself.
   */
  subscribeNetlink(
    options: NetlinkSubscriptionOptions,
    onDatagrams: (error: NativeError | null, datagrams: Buffer[]) => void,
  ): Promise<NativeNetlinkSubscription>;
  /** Loads a program of native/bpf, in a few ms. A kernel that lacks what it needs refuses. */
  loadBpf(name: string): Promise<NativeBpfProgram>;
  /** One that is loaded, by its id. ENOENT: there is none any more. */
  openBpf(id: number): Promise<NativeBpfProgram>;
  /** Ids of programs that see what comes in by the link. EINVAL: this kernel has no tcx (before 6.6). */
  attachedBpf(namespace: NamespaceRef, link: number): Promise<number[]>;
  /**
   * The items of a JSON list, a line each, and then, as the last line, its other fields: of all of them what `paths` names,
   * and JSON as far as that was; where lines of words are wanted, of an item that is as most are its words (src/api/line_form.ts).
   * The list must not change until then. EINVAL: it is none, or of no plain kind.
   *
   * @param paths names of fields, each within the one before, with newlines between; of an array they are its items'. Behind
   *     a tab, what a line says of the last (native/linux/json_wanted.h); "items\teach": lines are wanted
   */
  pickJsonList(list: Uint8Array, paths: readonly string[]): Promise<Buffer>;
  /** Opens a relay without frontends, with its threads and shared listeners. */
  openRelay(options: RelayOptions): Promise<NativeRelay>;
  /** Handles that are open in this process, by kind: what leak tests compare. */
  openHandles(): {
    readonly namespaces: number;
    readonly sockets: number;
    readonly programs: number;
    readonly relays: number;
    readonly subscriptions: number;
  };
}

/** A loaded eBPF program with its maps, which live at least as long as this handle or where the program is attached. */
export interface NativeBpfProgram {
  readonly id: number;
  readonly name: string;
  /** Equal for equal instructions. */
  readonly tag: bigint;
  /** Descriptor, for what attaches it; -1 once closed. Owned by this handle. */
  readonly fd: number;
  /**
   * Sets or adds entries of a map, given by name. Keys and values are back to back; a value of a per-CPU map is one for
   * each possible CPU, each rounded up to 8 bytes. ENOENT: the program has no such map. EINVAL: sizes are others.
   */
  update(map: string, keys: Uint8Array, values: Uint8Array): Promise<void>;
  /** One that is not there is no error. */
  remove(map: string, keys: Uint8Array): Promise<void>;
  entries(map: string): Promise<{ readonly keys: Buffer; readonly values: Buffer }>;
  /** tcx: sees what comes in by the link, until it is detached or the link goes. Where it is already, it stays. */
  attach(namespace: NamespaceRef, link: number): Promise<void>;
  /** ENOENT: it is not there. */
  detach(namespace: NamespaceRef, link: number): Promise<void>;
  /** Idempotent. What is attached stays. */
  close(): void;
}

/** A listening socket. */
export interface RelayAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** 0: the kernel chooses. */
  readonly port: number;
}

export interface RelayOptions {
  readonly namespace: NamespaceRef;
  /** Threads, each with sockets of its own (SO_REUSEPORT) for everything. */
  readonly workers: number;
  /** Of TCP that are open at a time; one more is closed at once. */
  readonly maxConnections: number;
  /** UDP clients at a time; datagrams of one more are lost. */
  readonly maxFlows: number;
  /** SO_MARK of what goes to endpoints; 0: none. */
  readonly mark: number;
  /** How long each attempt to connect may take: as many endpoints are tried. */
  readonly connectTimeoutsMs: readonly number[];
  /** A connection on which nothing moves for so long is reset. */
  readonly idleMs: number;
  /** The same, where one side has ended. */
  readonly halfClosedMs: number;
  /** A UDP client's socket closes when nothing came by it for so long. */
  readonly flowIdleMs: number;
  /**
   * TCP listeners that frontends share: where a connection was going before it was redirected (SO_ORIGINAL_DST)
   * tells its frontend. Their order is that of {@link NativeRelay.ports}.
   */
  readonly listeners: readonly (RelayAddress & { readonly scope: number })[];
}

export interface RelayFrontend {
  /**
   * What tells it from others. Of one without `listen`: the shared listener's scope (a byte), the address (none: any)
   * and the port in network byte order.
   */
  readonly key: Uint8Array;
  readonly protocol: "TCP" | "UDP";
  /** A listener of its own; UDP needs one. It stays for as long as what is asked for does. */
  readonly listen: RelayAddress | null;
  /**
   * Of UDP: its listener serves those alone who were going where the key says before they were led there (conntrack); the key
   * is as of one without `listen`, with any scope.
   */
  readonly isRedirected: boolean;
  readonly ipVersion: 4 | 6;
  /** Each: address, port in network byte order, two bytes that mean nothing. */
  readonly endpoints: Uint8Array;
  /** A client comes back to the same endpoint within this time; 0: to any. */
  readonly affinityMs: number;
}

export interface RelayChange {
  readonly set: readonly RelayFrontend[];
  /** Keys; none of those that are set. */
  readonly gone: readonly Uint8Array[];
}

export interface RelayCounts {
  /** Open now. */
  readonly connections: number;
  readonly flows: number;
  /** Connections and flows that found the relay full. */
  readonly overflows: bigint;
  /** Connections to no frontend, and datagrams to a redirected one that came to its port by themselves. */
  readonly strangers: bigint;
  /** Times that descriptors or memory were lacking. */
  readonly shortages: bigint;
}

/** Relays TCP and UDP between clients and endpoints, on threads of its own. */
export interface NativeRelay {
  /** Of the shared listeners. */
  readonly ports: readonly number[];
  /**
   * Sets or adds frontends, and removes some. Connections live on wherever they lead; UDP flows end with their endpoint.
   * On an error nothing has changed. EBUSY: a change is under way.
   *
   * @returns of each that is set the port of its own listener; 0: it has none
   */
  update(change: RelayChange): Promise<readonly number[]>;
  counts(): Promise<RelayCounts>;
  /**
   * Packed, as there may be many: of each frontend a byte that is its key's length, the key, and as 64-bit numbers (little
   * endian) connections, refused, retries, bytes in, bytes out, datagrams dropped (src/kernel/ports.ts: RelayedCount).
   */
  frontendCounts(): Promise<Buffer>;
  /** Resolves when every connection is reset and every descriptor closed. Idempotent. */
  close(): Promise<void>;
}

let loaded: NativeAddon | undefined;

/** Loads the add-on once. FAIRLEAD_ADDON names another build of it (sanitizers). Linux only. */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  const file = process.env["FAIRLEAD_ADDON"] ?? findBuild(path.dirname(fileURLToPath(import.meta.url)));
  try {
    return createRequire(import.meta.url)(file) as NativeAddon;
  } catch (cause) {
    throw new FairleadError("NATIVE_ADDON", { subject: file, cause });
  }
}

/** The add-on is built at the package's root, which is above this file in `src` and in `dist/src` alike. */
function findBuild(from: string): string {
  for (let dir = from; dir !== path.dirname(dir); dir = path.dirname(dir)) {
    const file = path.join(dir, "build", "Release", "fairlead.node");
    if (existsSync(file)) return file;
  }
  return path.join("build", "Release", "fairlead.node");
}
