/** What the userspace mode needs to know of the relay: the table leads there, and the relay to endpoints. */
import type { IpAddress } from "../../../model/address.ts";

/** Which of a frontend's backends: those of the cluster, or this node's alone. */
export type RelayScope = "cluster" | "local";

/** Where the relay listens, of one family. */
export interface RelayListeners {
  /** An address of this node, to which the table leads. */
  readonly address: IpAddress;
  /** Of TCP, which all frontends of a scope share. */
  readonly tcp: Readonly<Record<RelayScope, number>>;
  /** Of UDP each has a port of its own. @returns undefined: the relay does not have it yet */
  udp(key: string): number | undefined;
}
