/** What of the configuration and of this machine the rules depend on. */
import type { ModeOptions } from "../../derive/mode_options.ts";

export interface IpvsOptions extends ModeOptions {
  /** Whether even pods are masqueraded on their way to cluster IPs. */
  readonly masqueradeAll: boolean;
  /** iptables and the kernel know MASQUERADE --random-fully. */
  readonly randomFully: boolean;
  /** Of Services that name none of their own: "rr". */
  readonly scheduler: string;
  /** Those that this kernel was seen to lack: what names one gets the scheduler of all others. */
  readonly lackingSchedulers: readonly string[];
  /** Virtual servers with these addresses are others', and stay. */
  readonly excludeCidrs: readonly string[];
}

/** What comes of the configuration file, and stays. */
export type FixedOptions = Omit<IpvsOptions, keyof ModeOptions>;
