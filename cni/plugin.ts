/**
 * What stands between the CNI protocol and the pod network behind it: requests as they were decoded and checked, the
 * result, and `PodNetwork`, which carries requests out. Source: the CNI specification, SPEC.md of
 * containernetworking/cni, and its CONVENTIONS.md for `runtimeConfig` and `args`.
 */
import type { NetworkNamespace } from "../src/kernel/ports.ts";
import type { IpAddress, MacAddress } from "../src/model/address.ts";

/** Versions of the specification that are served, oldest first. */
export const cniVersions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof cniVersions)[number];

/** VERSION is not among them: the shim answers it, whether the agent is there or not. */
export const cniVerbs = ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const;
export type CniVerb = (typeof cniVerbs)[number];

/** What identifies an attachment of a network; the network's name is in the configuration. */
export interface Attachment {
  /** An alphanumeric character, then any of these, `_`, `.` and `-`; at most 255 characters. */
  readonly containerId: string;
  /** 1 to 15 characters, none of them `/`, `:` or white space, neither "." nor "..". */
  readonly ifName: string;
}

// ── Requests ──────────────────────────────────────────────────────────────────────────────────────────────────

interface AttachmentRequest extends Attachment {
  readonly config: NetworkConfig;
  /** CNI_ARGS: "K8S_POD_NAME", "K8S_POD_NAMESPACE", "K8S_POD_UID" from Kubernetes' runtimes; all of them optional. */
  readonly args: ReadonlyMap<string, string>;
  /** CNI_PATH: folders of plugins. */
  readonly path: readonly string[];
}

export interface AddRequest extends AttachmentRequest {
  /** An absolute path. It led to a network namespace, other than this process's, when the request came. */
  readonly netns: string;
  /** What plugins before this one made; undefined for the first of the chain. The result has to have it. */
  readonly prevResult: Result | undefined;
}

export interface CheckRequest extends AttachmentRequest {
  /** As in AddRequest. */
  readonly netns: string;
  /** What the whole chain made when the container was added: later plugins may have changed it. */
  readonly prevResult: Result;
}

export interface DeleteRequest extends AttachmentRequest {
  /** Undefined when no namespace was named, and when what was named is none (any more). */
  readonly netns: string | undefined;
  readonly prevResult: Result | undefined;
}

export interface CollectRequest {
  readonly config: NetworkConfig;
  /** Of the network `config.name`: everything that belongs to another attachment of it goes. */
  readonly validAttachments: readonly Attachment[];
}

// ── The network's configuration ───────────────────────────────────────────────────────────────────────────────

/** A plugin's configuration, with all its fields checked: a field that is not here was refused with code 2. */
export interface NetworkConfig {
  readonly cniVersion: CniVersion;
  /** Of the network: an alphanumeric character, then any of these, `_`, `.` and `-`. */
  readonly name: string;
  readonly type: string;
  /** How pods are linked: a route to each of them (default), or a bridge. */
  readonly mode: "routed" | "bridge";
  /** Name of the bridge, mode bridge. */
  readonly bridge: string;
  /** Of the pods' links, in bytes; undefined: derived from the underlay and the overlay. */
  readonly mtu: number | undefined;
  readonly ipMasq: boolean;
  /** Networks towards which pods keep their addresses although `ipMasq` is set. */
  readonly nonMasqueradeCidrs: readonly IpPrefix[];
  /** undefined: addresses come from the node's podCIDRs. */
  readonly ipam: IpamConfig | undefined;
  readonly dns: Dns;
  readonly runtimeConfig: RuntimeConfig;
  /** Of `args.cni` (CONVENTIONS.md): what may be ignored. */
  readonly args: { readonly ips: readonly RequestedIp[]; readonly mac: MacAddress | undefined };
  /** Everything as it came, for what has no field here. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The fields of containernetworking's host-local that have the same meaning here. */
export interface IpamConfig {
  /** For each family or network an address is taken from (outer list), the ranges that it may come from. */
  readonly ranges: readonly (readonly IpamRange[])[];
  /** Routes that pods get. Default: one to everything, for each family of their addresses. */
  readonly routes: readonly Route[];
  /** Folder of the leases. */
  readonly dataDir: string | undefined;
}

export interface IpamRange {
  readonly subnet: IpPrefix;
  readonly rangeStart: IpAddress | undefined;
  readonly rangeEnd: IpAddress | undefined;
  readonly gateway: IpAddress | undefined;
}

/** What the runtime gives for capabilities that the configuration declares (CONVENTIONS.md). */
export interface RuntimeConfig {
  readonly portMappings: readonly PortMapping[];
  readonly bandwidth: Bandwidth | undefined;
  /** Addresses that the pod has to get, at most one of a range. */
  readonly ips: readonly RequestedIp[];
  readonly mac: MacAddress | undefined;
  /** Further names of the pod in this network: for a DNS server that serves it. */
  readonly aliases: readonly string[];
}

export interface RequestedIp {
  readonly address: IpAddress;
  /** undefined: its range says. */
  readonly prefixLength: number | undefined;
}

export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** undefined: every address of the node. */
  readonly hostIp: IpAddress | undefined;
}

/** Rates in bits a second, bursts in bits. 0 is no limit. Ingress is what the container receives. */
export interface Bandwidth {
  readonly ingressRate: number;
  readonly ingressBurst: number;
  readonly egressRate: number;
  readonly egressBurst: number;
}

// ── The result ────────────────────────────────────────────────────────────────────────────────────────────────

/** The newest form (1.1.0). Older ones are rendered from it and read into it at the protocol's edge. */
export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly Route[];
  readonly dns: Dns;
}

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** The path in CNI_NETNS for what is in the container; absent on the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

export interface ResultIp extends IpPrefix {
  readonly gateway?: IpAddress;
  /** Index into `interfaces`. */
  readonly interface?: number;
}

export interface Route {
  readonly dst: IpPrefix;
  readonly gw?: IpAddress;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

export interface Dns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export interface IpPrefix {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

// ── What carries requests out ─────────────────────────────────────────────────────────────────────────────────

/**
 * The pod network. Requests for one container come one after another, those for different ones at the same time;
 * `collect` runs alone.
 *
 * All methods throw CniError for what the specification has a code for. A FairleadError becomes code 11 when it is
 * retryable, and 100 otherwise, with its message.
 */
export interface PodNetwork {
  /**
   * Makes the interface, or fails and leaves nothing behind.
   *
   * @param namespace what `netns` led to when it was looked at, open; default: it is opened
   * @returns `prevResult`, if there is one, with what was added to it
   * @throws CniError interfaceExists when the container has an interface of that name
   */
  add(request: AddRequest, namespace?: NetworkNamespace): Promise<Result>;
  /** @throws CniError unknownContainer for one that was not added; notAsExpected for what is missing or wrong */
  check(request: CheckRequest): Promise<void>;
  /** Takes away what add made, as far as it is there: nothing there is a success, with or without a namespace. */
  delete(request: DeleteRequest): Promise<void>;
  /** Takes away what belongs to attachments of this network that are not in the list; goes on when one fails. */
  collect(request: CollectRequest): Promise<void>;
  /** @throws CniError notAvailable or limitedConnectivity while add cannot be served */
  status(config: NetworkConfig): Promise<void>;
}
