/** What of the configuration and the node every mode's rules depend on. */
import type { IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";

/** How pods of this node are told from everything else (KubeProxyConfiguration: detectLocalMode). */
export type LocalDetector =
  | { readonly mode: "none" }
  /** ClusterCIDR and NodeCIDR. */
  | { readonly mode: "cidr"; readonly cidr: string }
  | { readonly mode: "BridgeInterface"; readonly name: string }
  | { readonly mode: "InterfaceNamePrefix"; readonly prefix: string };

export interface ModeOptions {
  readonly family: IpFamily;
  /** One bit: 1 << masqueradeBit. */
  readonly masqueradeMark: number;
  readonly local: LocalDetector;
  /** Addresses of this node that serve node ports, of the family. */
  readonly nodePortAddresses: readonly IpAddress[];
  /** All addresses of this node, of the family, but for those that it has for Services alone. Default: nodePortAddresses. */
  readonly localAddresses?: readonly IpAddress[];
  /** Ranges of cluster IPs, of the family. */
  readonly serviceCidrs: readonly string[];
  /** By which others know this node, of the family; undefined: it has none. */
  readonly nodeIp?: IpAddress | undefined;
}
