/** What a cluster was started with: kept, so that `up` again, `status` and `down` need no flags. */
import { readFile } from "node:fs/promises";
import { ipText } from "../model/address.ts";
import { addressNumber, numberBytes, parseCidr } from "../model/cidr.ts";
import { writeWhole } from "../files/whole.ts";
import type { Instance, PartName } from "./instance.ts";

export interface UpSettings {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly securePort: number;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Of a containerd that is somebody else's; absent: one of our own. */
  readonly runtimeEndpoint?: string;
  /** Further ones of `fairlead server`. */
  readonly serverFlags?: readonly string[];
  /** The user's, into which the context was merged; absent: none was. */
  readonly kubeconfig?: string;
  readonly context: string;
  /** The user's current context before ours was. */
  readonly contextBefore?: string;
  /** `https://host:port` of a control plane that is not this instance's: it is a node alone. */
  readonly server?: string;
  /** Where volumes of the StorageClass local-path are, as the control plane says; absent: in the instance's own folder. */
  readonly localPathFolder?: string;
  /** Name of the network namespace in which its processes run; absent: `up`'s own. */
  readonly netns?: string;
  /** How many nodes there are, with this one; absent: one. */
  readonly nodes?: number;
  /** By which the nodes of this machine reach one another where there are several. */
  readonly nodeNetwork: string;
}

/** flannel's and kubeadm's. */
export const defaultClusterCidr = "10.244.0.0/16";
export const defaultServiceCidr = "10.96.0.0/12";
export const defaultNodeNetwork = "10.245.0.0/24";
export const clusterDomain = "cluster.local";
/** At the node's address; pods ask at that of the Service kube-dns. */
export const dnsPort = 10_053;

/** kubeadm's: the tenth address of the Services' range. */
export function dnsAddressOf({ serviceCidr }: Pick<UpSettings, "serviceCidr">): string {
  const { address, family } = parseCidr(serviceCidr)!;
  return ipText(numberBytes(addressNumber(address) + 10n, family))!;
}

export async function readSettings({ settingsFile }: Instance): Promise<UpSettings | undefined> {
  const text = await readFile(settingsFile, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as UpSettings);
}

export async function writeSettings({ settingsFile }: Instance, settings: UpSettings): Promise<void> {
  await writeWhole(settingsFile, `${JSON.stringify(settings, undefined, 2)}\n`, 0o600);
}

export function runtimeEndpointOf({ containerd }: Instance, { runtimeEndpoint }: UpSettings): string {
  return runtimeEndpoint ?? `unix://${containerd.socket}`;
}

/** The parts that are this instance's own processes, in the order of their start. */
export function partsOf({ runtimeEndpoint, server }: UpSettings): readonly PartName[] {
  return [
    ...(runtimeEndpoint === undefined ? (["containerd"] as const) : []),
    ...(server === undefined ? (["server"] as const) : []),
    "node",
  ];
}
