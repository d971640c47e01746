/** What the agent needs of a mode: the one place where modes look alike. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { IpAddress } from "../../model/address.ts";
import type { ServerCount } from "../../model/server_count.ts";
import type { FrontendCount, IpFamily } from "../../model/service.ts";
import type { Conflict } from "../derive/claims.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import type { NodeIps } from "./derive.ts";

/** What one address family's rules should be. Pure. */
export interface ModeRuleset {
  readonly options: ModeOptions;
  /** Takes the place of all options, of the same family; Services are derived anew by who configures. */
  configure(options: ModeOptions): void;
  /** Takes the place of what the service port wanted; undefined: it is gone. */
  set(service: string, wanted: WantedPort | undefined): void;
  /** What the service port wants, as `set` was told. */
  wanted(service: string): WantedPort | undefined;
  /** Service ports that want a frontend too, of those that one wants. */
  rivalsFor(wanted: WantedPort | undefined): readonly string[];
  /** Frontends of a service port that another has. */
  refusedTo(service: string): readonly Conflict[];
}

/** How they get to the kernel. */
export interface ModeKernel {
  /** Learns what is there, before Services come. @returns whether anything is */
  adopt(): Promise<boolean>;
  /** Writes what changed. @returns steps; @throws FairleadError: nothing is lost, the next call tries again */
  sync(): Promise<number>;
  /** Observes all and corrects what is not as it should be. @returns steps */
  repair(): Promise<number>;
  counts(): Promise<readonly FrontendCount[]>;
}

/** One address family's rules. */
export interface FamilyRules {
  readonly ruleset: ModeRuleset;
  /** Keeps the kernel as that ruleset, and no other, wants it. */
  readonly kernel: ModeKernel;
}

/** Whether somebody else has changed our rules. */
export interface RulesWatch {
  /** @throws FairleadError where nothing can be watched */
  start(): Promise<void>;
  stop(): void;
  /** Whether ours are as they were left, as far as that can be known cheaply. */
  sawEverything(): Promise<boolean>;
}

export interface WatchCallbacks {
  /** All rules are to be observed. @param why for the log */
  readonly onForeign: (why: string) => void;
  readonly onError: (error: unknown) => void;
}

export interface ProxyMode {
  readonly name: "nftables" | "iptables" | "ipvs" | "userspace";
  /** What the modes' sections of the configuration have in common; periods in ms. */
  readonly section: Pick<
    KubeProxyConfiguration["iptables"],
    "masqueradeBit" | "masqueradeAll" | "syncPeriod" | "minSyncPeriod"
  >;
  /** nodePortAddresses of the configuration, or what the mode takes for them where they are not given. */
  readonly nodePortRanges: readonly string[];
  /** Whether 127.0.0.1 serves node ports, so that the kernel must route it. */
  readonly servesLocalhost: boolean;
  /** Whether its rules depend on every address of the machine: {@link ModeOptions.localAddresses}. */
  readonly needsLocalAddresses: boolean;
  rules(options: ModeOptions): FamilyRules;
  watch(callbacks: WatchCallbacks): RulesWatch;
  /** This node's addresses that serve node ports. @param local every address of this machine */
  nodePortAddresses(ips: NodeIps, local: readonly IpAddress[], family: IpFamily): readonly IpAddress[];
  /** What each virtual server and each real one has counted; a mode that has none has not this either. */
  readonly serverCounts?: () => Promise<readonly ServerCount[]>;
}
