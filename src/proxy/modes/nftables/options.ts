/** What of the configuration the ruleset depends on. serviceCidrs: packets to one that no Service has are dropped. */
import type { ModeOptions } from "../../derive/mode_options.ts";

export type { LocalDetector } from "../../derive/mode_options.ts";

export interface NftablesOptions extends ModeOptions {
  /** Name of the table; default: the proxy's. */
  readonly table?: string;
  /** Packets of this node with this mark go where they are addressed, to Services too; default: there are none. */
  readonly exemptMark?: number;
}
