/** The pod network behind the CNI plugin: addresses, links, host ports, and the notes that outlive this process. */
import { CniError } from "../../cni/error.ts";
import type {
  AddRequest,
  CheckRequest,
  CollectRequest,
  DeleteRequest,
  NetworkConfig,
  PodNetwork,
  PortMapping,
  Result,
} from "../../cni/plugin.ts";
import { FairleadError } from "../errors/catalogue.ts";
import type { NamespacePort, NetworkNamespace } from "../kernel/ports.ts";
import { describeRouting } from "../kernel/netlink/rtnetlink/requests.ts";
import { parseIp, type IpAddress } from "../model/address.ts";
import { deriveHostPorts, hostPortOwner, type HostPorts } from "./host_ports.ts";
import type { Owner } from "./ipam/leases.ts";
import { addressRange, podCidrRanges, type RangeSet } from "./ipam/range.ts";
import { InterfaceExists, LinkApply, type Shared, type LinkPorts, type PodPlace } from "./links/apply.ts";
import { derivePodLink, deriveResult, ownerOf, requestedAddresses } from "./links/derive.ts";
import type { PodLink } from "./links/link.ts";
import { hostLinkName } from "./links/names.ts";
import { observeEnd } from "./links/observe.ts";
import { planLink, planNewLink, planNoLink, type LinkStep } from "./links/plan.ts";
import { LinkRemovals } from "./links/removals.ts";
import { SourceGuard } from "./links/source_guard.ts";
import { renderSources, type SourceElement } from "./links/sources.ts";
import type { NetworkMetrics } from "./metrics.ts";
import { reconcile } from "./reconcile.ts";
import type { Attachments } from "./state/attachments.ts";
import type { AttachmentDetail, PodAttachment } from "./state/detail.ts";

export interface PodNetworkOptions {
  readonly ports: LinkPorts;
  readonly namespaces: NamespacePort;
  readonly attachments: Attachments<AttachmentDetail>;
  readonly hostPorts: HostPorts;
  readonly metrics: NetworkMetrics;
  /** The node's podCIDRs as they are now; empty: not known yet. */
  readonly podCidrs: () => readonly string[];
  /** Addresses and CIDRs that no pod gets. */
  readonly excluded: readonly string[];
  /** Of pods' links, where the configuration says nothing. */
  readonly mtu: () => number;
  /** Why pods cannot be added now; undefined: they can. */
  readonly notReady: () => string | undefined;
  /** UDP port of VXLAN, whose own packets are not tracked; undefined: there are no tunnels. */
  readonly tunnelPort?: number;
  /** Told when a pod's link has come or gone. */
  readonly onLinks?: () => void;
}

export class NodePodNetwork implements PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #attachments: Attachments<AttachmentDetail>;
  readonly #shared: Shared;
  #hostPortsKnown: Promise<unknown> | undefined;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#attachments = options.attachments;
    const guard = (mode: PodLink["mode"]): SourceGuard =>
      new SourceGuard(
        options.ports.nftables,
        mode === "routed" ? "inet" : "bridge",
        () => this.#sources(mode),
        options.tunnelPort,
      );
    const removals = new LinkRemovals(options.ports.deletions);
    this.#shared = { routed: guard("routed"), bridge: guard("bridge"), removals };
  }

  /**
   * Brings notes and kernel together, at the start and before anything is added: what an earlier process left
   * half-made goes, what it made stays, and is mended.
   */
  async restore(): Promise<void> {
    await reconcile({
      attachments: this.#attachments,
      ports: this.#options.ports,
      shared: this.#shared,
      remove: (attachment) => this.#remove(attachment),
    });
    await this.#shared.routed.repair();
    await this.#shared.bridge.repair();
    await this.#knowHostPorts();
    await this.#options.hostPorts.settle();
  }

  /** @param ends addresses of this node to which other nodes send what is for its pods */
  setTunnelEnds(ends: readonly IpAddress[]): Promise<void> {
    return this.#shared.routed.setTunnelEnds(ends);
  }

  add(request: AddRequest, namespace?: NetworkNamespace): Promise<Result> {
    return this.#measured("ADD", () => (namespace ? this.#add(request, namespace) : this.#openAndAdd(request)));
  }

  check(request: CheckRequest): Promise<void> {
    return this.#measured("CHECK", () => this.#check(request));
  }

  delete(request: DeleteRequest): Promise<void> {
    return this.#measured("DEL", () => this.#delete(ownerOf(request)));
  }

  collect(request: CollectRequest): Promise<void> {
    return this.#measured("GC", () => this.#collect(request));
  }

  status(config: NetworkConfig): Promise<void> {
    return this.#measured("STATUS", async () => {
      const why = this.#whyNotReady(config);
      if (why !== undefined) throw new CniError("notAvailable", why);
      return Promise.resolve();
    });
  }

  /** Addresses that pods have. */
  get addressesInUse(): number {
    return this.#attachments.leases.count();
  }

  attached(): readonly PodAttachment[] {
    return this.#attachments.list();
  }

  async #openAndAdd(request: AddRequest): Promise<Result> {
    const namespace = await this.#options.namespaces.open({ path: request.netns });
    try {
      return await this.#add(request, namespace);
    } finally {
      namespace.close();
    }
  }

  async #add(request: AddRequest, namespace: NetworkNamespace): Promise<Result> {
    const why = this.#whyNotReady(request.config);
    if (why !== undefined) throw new CniError("tryAgainLater", why);
    const owner = ownerOf(request);
    await this.#dropAbandoned(owner);
    const detail = this.#begin(request, owner);
    try {
      await this.#make(owner, detail, namespace);
      this.#attachments.ready(owner);
      this.#options.onLinks?.();
      return deriveResult(request, detail.link);
    } catch (error) {
      await this.#undo(owner, detail, error);
      throw error instanceof InterfaceExists ? interfaceExists(request) : error;
    }
  }

  #begin(request: AddRequest, owner: Owner): AttachmentDetail {
    const { config, args } = request;
    const requested = requestedAddresses(request, parseIp);
    const pod = {
      namespace: args.get("K8S_POD_NAMESPACE") ?? "",
      name: args.get("K8S_POD_NAME") ?? "",
      uid: args.get("K8S_POD_UID") ?? "",
    };
    const portMappings = config.runtimeConfig.portMappings;
    try {
      const { hostLink } = derivePodLink(request, [], 0);
      const detail = this.#attachments.begin({ ...owner, hostLink }, this.#ranges(config), requested, (leases) => ({
        link: derivePodLink(request, leases, this.#options.mtu()),
        portMappings,
        pod,
      }));
      if (detail) return detail;
    } catch (error) {
      throw asCniError(error);
    }
    throw interfaceExists(request);
  }

  async #make(owner: Owner, detail: AttachmentDetail, namespace: NetworkNamespace): Promise<void> {
    const { ports } = this.#options;
    const place: PodPlace = { namespace, routing: ports.openPod(namespace) };
    // Whoever needs it is told of a failure; where the pair was refused, nobody does.
    const opened = place.routing.catch(() => undefined);
    try {
      await this.#applyTo(place).apply(planNewLink(detail.link));
    } finally {
      (await opened)?.close();
    }
    await this.#forward(owner, detail);
  }

  /** Leaves nothing behind; where that fails too, the notes stay, so that DEL, GC or the next start does. */
  async #undo(owner: Owner, detail: AttachmentDetail, cause: unknown): Promise<void> {
    try {
      // An interface of that name was there before: then no link of ours is.
      const steps = planNoLink(detail.link);
      await this.#takeAway(owner, detail, steps);
      this.#attachments.end(owner);
    } catch (error) {
      throw new FairleadError("NETWORK_UNDO", { subject: describe(owner), cause: error, reason: String(cause) });
    }
  }

  async #check(request: CheckRequest): Promise<void> {
    const owner = ownerOf(request);
    const attachment = this.#attachments.find(owner);
    if (!attachment?.isReady) throw new CniError("unknownContainer", `${describe(owner)} was not added`);
    const { ports } = this.#options;
    const { link } = attachment.detail;
    const namespace = await this.#options.namespaces.open({ path: request.netns });
    try {
      const routing = await ports.openPod(namespace);
      try {
        const host = await observeEnd(ports.routing, link.hostLink);
        const pod = await observeEnd(routing, link.ifName);
        const [missing] = planLink({ host, pod }, link);
        if (missing)
          throw new CniError("notAsExpected", `${describe(owner)} lacks what was made`, { details: words(missing) });
      } finally {
        routing.close();
      }
    } finally {
      namespace.close();
    }
  }

  async #delete(owner: Owner): Promise<void> {
    const attachment = this.#attachments.find(owner);
    if (attachment) return this.#remove(attachment);
    // What nobody noted can be there all the same: its name says whose it is.
    await this.#applyTo(undefined).apply([{ step: "delete link", hostLink: hostLinkName(owner) }]);
  }

  /** Takes an attachment away that nobody will delete, unless it is another one by now. */
  async release(attachment: PodAttachment): Promise<void> {
    const now = this.#attachments.find(attachment);
    if (now && now.hostLink === attachment.hostLink && now.isReady === attachment.isReady) await this.#remove(now);
  }

  #applyTo(place: PodPlace | undefined): LinkApply {
    return new LinkApply(this.#options.ports, this.#shared, place);
  }

  async #remove(attachment: PodAttachment): Promise<void> {
    await this.#takeAway(attachment, attachment.detail, planNoLink(attachment.detail.link));
    this.#attachments.end(attachment);
    this.#options.onLinks?.();
  }

  /** The address is free last: nobody gets it while anything still leads to the pod. */
  async #takeAway(owner: Owner, detail: AttachmentDetail, steps: readonly LinkStep[]): Promise<void> {
    if (detail.portMappings.length > 0) {
      await this.#knowHostPorts();
      for (const { family } of detail.link.addresses) {
        await this.#options.hostPorts.set(hostPortOwner(owner), family, undefined);
      }
    }
    await this.#applyTo(undefined).apply(steps);
  }

  async #collect({ config, validAttachments }: CollectRequest): Promise<void> {
    const valid = new Set(validAttachments.map(({ containerId, ifName }) => `${containerId} ${ifName}`));
    const stale = this.#attachments
      .list(config.name)
      .filter(({ containerId, ifName }) => !valid.has(`${containerId} ${ifName}`));
    const errors: unknown[] = [];
    for (const attachment of stale) await this.#remove(attachment).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }

  async #forward(owner: Owner, { link, portMappings }: AttachmentDetail): Promise<void> {
    if (portMappings.length === 0) return;
    await this.#knowHostPorts();
    await this.#setHostPorts(owner, link, portMappings);
  }

  /** Host ports are kept as a whole: those of attachments that other processes made count too. */
  #knowHostPorts(): Promise<unknown> {
    this.#hostPortsKnown ??= Promise.all(
      this.#attachments
        .list()
        .filter(({ detail }) => detail.portMappings.length > 0)
        .map((attachment) => this.#setHostPorts(attachment, attachment.detail.link, attachment.detail.portMappings)),
    );
    return this.#hostPortsKnown;
  }

  async #setHostPorts(owner: Owner, { addresses }: PodLink, mappings: readonly PortMapping[]): Promise<void> {
    await Promise.all(
      addresses.map((address) => {
        const wanted = deriveHostPorts(owner, mappings, address);
        return this.#options.hostPorts.set(hostPortOwner(owner), address.family, wanted);
      }),
    );
  }

  /** What a process that died began: nobody was told of it, so that it may be added anew. */
  async #dropAbandoned(owner: Owner): Promise<void> {
    const before = this.#attachments.find(owner);
    if (before && !before.isReady && !isAlive(before.pid)) await this.#remove(before);
  }

  #ranges({ ipam }: NetworkConfig): readonly RangeSet[] {
    const { podCidrs, excluded } = this.#options;
    if (!ipam || ipam.ranges.length === 0) return podCidrRanges(podCidrs(), excluded);
    return ipam.ranges.map((set) =>
      set.map(({ subnet, ...rest }) =>
        addressRange({ ...rest, subnet: `${subnet.address}/${subnet.prefixLength}` }, excluded),
      ),
    );
  }

  #whyNotReady({ ipam }: NetworkConfig): string | undefined {
    const hasRanges = ipam !== undefined && ipam.ranges.length > 0;
    if (!hasRanges && this.#options.podCidrs().length === 0) return "the node has no podCIDR yet";
    return this.#options.notReady();
  }

  #sources(mode: PodLink["mode"]): readonly SourceElement[] {
    return this.#attachments
      .list()
      .filter(({ detail }) => detail.link.mode === mode)
      .flatMap(({ detail }) => renderSources(detail.link));
  }

  async #measured<T>(verb: Parameters<NetworkMetrics["served"]>[0], serve: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const done = (outcome: string): void =>
      this.#options.metrics.served(verb, (performance.now() - start) / 1000, outcome);
    try {
      const result = await serve();
      done("ok");
      return result;
    } catch (error) {
      done(outcomeOf(error));
      throw error;
    }
  }
}

function outcomeOf(error: unknown): string {
  if (error instanceof CniError) return `cni ${error.code}`;
  return error instanceof FairleadError ? error.code : "unknown";
}

/** IPAM's errors have codes of their own in CNI. */
function asCniError(error: unknown): unknown {
  if (!(error instanceof FairleadError)) return error;
  const { message, code } = error;
  if (code === "ADDRESSES_EXHAUSTED") return new CniError("addressesExhausted", message, { cause: error });
  if (code === "ADDRESS_REFUSED") return new CniError("internal", message, { cause: error });
  if (code === "INVALID_ADDRESS_RANGE") return new CniError("invalidConfig", message, { cause: error });
  return error;
}

function interfaceExists(request: AddRequest): CniError {
  return new CniError("interfaceExists", `${describe(ownerOf(request))} is there already`);
}

function describe({ network, containerId, ifName }: Owner): string {
  return `interface ${ifName} of container ${containerId} in network ${network}`;
}

function words(step: LinkStep): string {
  if (step.step === "add pair") return `link ${step.link.hostLink} or ${step.link.ifName}`;
  if (!("changes" in step)) return step.step;
  const place = step.step === "change host end" ? step.hostLink : step.ifName;
  return `${place}: ${step.changes.map(describeRouting).join("; ")}`;
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
