/** What of the configuration and of this machine the rules depend on. */
import type { ModeOptions } from "../../derive/mode_options.ts";

export interface IptablesOptions extends ModeOptions {
  /** Every local address serves node ports, whatever nodePortAddresses lists. */
  readonly nodePortsEverywhere: boolean;
  /** iptables.localhostNodePorts; of IPv4 alone, as upstream. */
  readonly localhostNodePorts: boolean;
  /** iptables and the kernel know MASQUERADE --random-fully. */
  readonly randomFully: boolean;
  /** conntrack.tcpBeLiberal: then packets that conntrack takes for invalid are let through. */
  readonly tcpBeLiberal: boolean;
}
