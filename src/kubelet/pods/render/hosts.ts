/** /etc/hosts of a pod's containers (pkg/kubelet/kubelet_pods.go, managedHostsFileContent). */
import type { Pod } from "../../../model/kubernetes.ts";

const head = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`;

/** The name that a pod has in its own UTS namespace, at most 63 bytes long, and its domain where it has one. */
function hostNameOf({ metadata, spec }: Pod, clusterDomain: string): { host: string; domain: string } {
  const host = (spec.hostname ?? metadata.name).slice(0, 63).replace(/[-.]+$/, "");
  const { subdomain } = spec;
  return { host, domain: subdomain ? `${subdomain}.${metadata.namespace}.svc.${clusterDomain}` : "" };
}

/** The longest name that a kernel takes (HOST_NAME_MAX). */
const maxHostName = 64;

/** What `hostname` says in the pod: with setHostnameAsFQDN its whole name (KEP-1797). @throws Error with upstream's words */
export function sandboxHostName(pod: Pod, clusterDomain: string): string {
  const { host, domain } = hostNameOf(pod, clusterDomain);
  if (pod.spec.setHostnameAsFQDN !== true || domain === "") return host;
  const whole = `${host}.${domain}`;
  if (whole.length <= maxHostName) return whole;
  throw new Error(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${whole} is too long (${maxHostName} characters is the max, ${whole.length} characters requested)`,
  );
}

export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const { host, domain } = hostNameOf(pod, clusterDomain);
  const names = domain === "" ? host : `${host}.${domain}\t${host}`;
  return head + podIps.map((ip) => `${ip}\t${names}\n`).join("") + aliases(pod);
}

/** A pod in the node's network has the node's file, with its aliases. */
export function hostNetworkHostsFile(pod: Pod, nodeFile: string): string {
  return `# Kubernetes-managed hosts file (host network).\n${nodeFile}${aliases(pod)}`;
}

function aliases({ spec }: Pod): string {
  const { hostAliases = [] } = spec;
  if (hostAliases.length === 0) return "";
  const lines = hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join("")}`;
}
