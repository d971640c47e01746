/**
 * The catalogue of errors: every error that leaves Fairlead has a stable code from here.
 *
 * A message says what was attempted, on what, why it failed and what to do. Add a row here before
 * throwing something new; never throw a bare Error across a module's boundary.
 */

interface CatalogueEntry {
  /** What was attempted, as it follows "cannot". `{subject}` stands for what it was attempted on. */
  readonly attempted: string;
  /** What the reader can do. */
  readonly remedy: string;
  /** Whether the same call can succeed later without anybody changing its input. */
  readonly retryable: boolean;
}

const catalogue = {
  NOT_AVAILABLE: {
    attempted: "run {subject}",
    remedy: "see CHANGELOG.md for what this version does",
    retryable: false,
  },
  NATIVE_ADDON: {
    attempted: "load the native add-on {subject}",
    remedy: "run 'npm ci' (or 'npm rebuild') in Fairlead's folder with g++, make and python3 installed",
    retryable: false,
  },
  NATIVE_CALL: {
    attempted: "{subject}",
    remedy: "see the errno; root with CAP_NET_ADMIN and CAP_SYS_ADMIN is needed",
    retryable: false,
  },
  KERNEL_ARGUMENT: {
    attempted: "{subject}",
    remedy: "nothing was sent to the kernel: correct the argument",
    retryable: false,
  },
  NETLINK_ENCODE: {
    attempted: "encode netlink field {subject}",
    remedy: "the value does not fit the kernel's format: correct the value at this path",
    retryable: false,
  },
  NETLINK_DECODE: {
    attempted: "decode netlink field {subject}",
    remedy: "the bytes are not what this kernel interface documents: report it with the kernel's version",
    retryable: false,
  },
  NETLINK_REFUSED: {
    attempted: "{subject}",
    remedy: "the kernel refused the request: see the errno and its message",
    retryable: false,
  },
  NFTABLES_REFUSED: {
    attempted: "change the ruleset: {subject}",
    remedy: "nothing of the transaction was carried out: see the errno and the step, observe the table, plan again",
    retryable: false,
  },
  TRACE: {
    attempted: "follow the packet: {subject}",
    remedy: "what is programmed there is not known to this version: see 'nft list ruleset'",
    retryable: false,
  },
  NETLINK_OVERRUN: {
    attempted: "read every answer to {subject}",
    remedy: "answers were lost, so the outcome is unknown: observe the state and try again",
    retryable: true,
  },
  NETLINK_INTERRUPTED: {
    attempted: "read a consistent dump of {subject}",
    remedy: "the state changed while it was read: read it again",
    retryable: true,
  },
  NETLINK_TIMEOUT: {
    attempted: "get an answer to {subject} in time",
    remedy: "the outcome is unknown: observe the state and try again",
    retryable: true,
  },
  CONFIG_UNREADABLE: {
    attempted: "read the configuration {subject}",
    remedy: "name a file that is there and may be read",
    retryable: false,
  },
  CONFIG_INVALID: {
    attempted: "take the configuration {subject}",
    remedy: "correct the fields that are named; nothing of it was applied",
    retryable: false,
  },
  CONFIG_CHANGED: {
    attempted: "go on with the configuration {subject}",
    remedy: "start it anew, as whatever runs it should",
    retryable: true,
  },
  STORE_EXISTS: {
    attempted: "create key {subject}",
    remedy: "it is there already: update it instead",
    retryable: false,
  },
  STORE_CONFLICT: {
    attempted: "write key {subject}",
    remedy: "it was changed in between: read it and try again",
    retryable: true,
  },
  STORE_FENCED: {
    attempted: "write under the fence {subject}",
    remedy: "another server leads by now: nothing was written, and it does the work",
    retryable: false,
  },
  STORE_COMPACTED: {
    attempted: "read history of {subject}",
    remedy: "that revision was compacted: list again",
    retryable: false,
  },
  STORE_FUTURE_REVISION: {
    attempted: "read {subject}",
    remedy: "that revision is yet to come: is this another store than the one it was read from?",
    retryable: true,
  },
  STORE_BUSY: {
    attempted: "queue a write of key {subject}",
    remedy: "too many writes are waiting: try again in a second",
    retryable: true,
  },
  STORE_UNAVAILABLE: {
    attempted: "use the store {subject}",
    remedy: "see that its disk has space and its file is not open elsewhere, or that etcd's endpoints answer",
    retryable: true,
  },
  INVALID_ADDRESS_RANGE: {
    attempted: "use address range {subject}",
    remedy: "give an address and a prefix length, 10.96.0.0/12 or fd00:10:96::/112",
    retryable: false,
  },
  ADDRESSES_EXHAUSTED: {
    attempted: "take an address of {subject}",
    remedy: "give the node a larger podCIDR or the network more ranges, or run fewer pods here",
    retryable: true,
  },
  NETWORK_UNDO: {
    attempted: "take back the half-made {subject}",
    remedy: "it is noted: DEL, GC or the agent's next start takes it away",
    retryable: true,
  },
  ADDRESS_REFUSED: {
    attempted: "give the pod the address {subject}",
    remedy: "ask for another address, or for none",
    retryable: false,
  },
  CERTIFICATE_FILE: {
    attempted: "use key material {subject}",
    remedy: "put the right file back from a backup, or move it away and a new one is made at the next start",
    retryable: false,
  },
  DATA_DIR: {
    attempted: "use data directory {subject}",
    remedy: "give a --data-dir that this user can make, read and write",
    retryable: false,
  },
  DATA_DIR_IN_USE: {
    attempted: "take data directory {subject}",
    remedy: "stop the other server, or give another --data-dir",
    retryable: true,
  },
  LISTEN: {
    attempted: "listen on {subject}",
    remedy: "give another address or port, or stop what has this one",
    retryable: true,
  },
  CRI_UNAVAILABLE: {
    attempted: "call the container runtime: {subject}",
    remedy:
      "see that it runs and that containerRuntimeEndpoint names its socket; the outcome is unknown, observe again",
    retryable: true,
  },
  CRI_TIMEOUT: {
    attempted: "get an answer of the container runtime in time: {subject}",
    remedy: "the outcome is unknown: observe the state and try again",
    retryable: true,
  },
  CRI_NOT_FOUND: {
    attempted: "find it in the container runtime: {subject}",
    remedy: "it is not there (any more): observe the state and plan again",
    retryable: false,
  },
  CRI_UNIMPLEMENTED: {
    attempted: "call the container runtime: {subject}",
    remedy: "this runtime cannot do that: containerd 1.6 or later, or CRI-O, with CRI v1 is needed",
    retryable: false,
  },
  CRI_REFUSED: {
    attempted: "call the container runtime: {subject}",
    remedy: "the runtime refused it: see its reason and its log",
    retryable: true,
  },
  VOLUME: {
    attempted: "prepare or remove volume {subject}",
    remedy: "see the reason; it is tried again",
    retryable: true,
  },
  CGROUP: {
    attempted: "keep control group {subject}",
    remedy: "see the reason: control groups must be mounted below /sys/fs/cgroup, and the kubelet must be root",
    retryable: true,
  },
  NODE_FACTS: {
    attempted: "learn {subject} of this node",
    remedy: "give it by a flag (--node-ip, --hostname-override) where the node does not tell",
    retryable: true,
  },
  KUBECONFIG: {
    attempted: "read kubeconfig {subject}",
    remedy: "name the kubeconfig of a server that there is, and read it as a user who may",
    retryable: false,
  },
  PROXY_NODE: {
    attempted: "proxy for node {subject}",
    remedy: "give the node's name by --hostname-override; it must be registered and have an address",
    retryable: true,
  },
  PROXY_MODE: {
    attempted: "use proxy mode {subject}",
    remedy: "set mode to nftables, or leave it out",
    retryable: false,
  },
  KUBECONFIG_WRITE: {
    attempted: "merge the cluster's context into kubeconfig {subject}",
    remedy: "the file is as it was: correct it, or name another one by --kubeconfig",
    retryable: false,
  },
  UP_PREREQUISITE: {
    attempted: "start a cluster here: {subject}",
    remedy: "nothing was started: see the reason",
    retryable: false,
  },
  UP_PART: {
    attempted: "start {subject}",
    remedy: "'fairlead logs' shows what it said; 'fairlead down' takes away what has begun",
    retryable: true,
  },
  UP_DOWN: {
    attempted: "take down {subject}",
    remedy: "see the reason, and run 'fairlead down' again: it goes on where it stopped",
    retryable: true,
  },
  NODE_JOIN: {
    attempted: "join the cluster at {subject}",
    remedy: "'fairlead token create' on a control-plane machine prints the command that joins; its token lasts a day",
    retryable: true,
  },
  SYSTEMD_UNIT: {
    attempted: "keep the unit {subject}",
    remedy: "run it as root, move away what is not ours, and see 'systemctl status' and 'journalctl -u'",
    retryable: true,
  },
  IMAGE_IMPORT: {
    attempted: "import the image {subject}",
    remedy: "give an OCI or docker archive, or the folder of a root file system with --name; the runtime must run",
    retryable: false,
  },
  CNI_INSTALL: {
    attempted: "put {subject} in its place",
    remedy: "give a --bin-dir and a --conf-dir that this user can write, and move away what has the file's name",
    retryable: false,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

export interface ErrorDetail {
  /** What it was attempted on: a file, an object, a field's path. */
  readonly subject: string;
  /** Why it failed; the default is the cause's message. */
  readonly reason?: string;
  readonly cause?: unknown;
  /** Positive errno, where the kernel gave one. */
  readonly errno?: number;
}

/** The one error class of Fairlead. Tell errors apart by `code`, never by message. */
export class FairleadError extends Error {
  override readonly name = "FairleadError";
  readonly code: ErrorCode;
  readonly subject: string;
  readonly reason: string;
  readonly remedy: string;
  readonly retryable: boolean;
  /** Positive errno, where the kernel gave one. */
  readonly errno: number | undefined;

  constructor(code: ErrorCode, detail: ErrorDetail) {
    const entry = catalogue[code];
    const reason = detail.reason ?? reasonOf(detail.cause);
    super(`cannot ${entry.attempted.replace("{subject}", () => detail.subject)}: ${reason} (${entry.remedy})`, {
      cause: detail.cause,
    });
    this.code = code;
    this.subject = detail.subject;
    this.reason = reason;
    this.remedy = entry.remedy;
    this.retryable = entry.retryable || (detail.errno !== undefined && transientErrnos.has(detail.errno));
    this.errno = detail.errno;
  }
}

/** EINTR, EAGAIN, ENOMEM, EBUSY, ENOBUFS: the kernel may accept the same request later. */
const transientErrnos: ReadonlySet<number> = new Set([4, 11, 12, 16, 105]);

function reasonOf(cause: unknown): string {
  if (cause instanceof Error) return cause.message;
  return typeof cause === "string" ? cause : "no reason was given";
}
