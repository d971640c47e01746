/** The path of a connection through IPVS, for the machine that counts instructions. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { routed, type Scenario } from "../../../test/vm/harness/instructions/scenarios.ts";
import { cacheRoot } from "../../../test/vm/harness/paths.ts";
import { quote } from "../../../test/vm/harness/quote.ts";
import { clusterIp, servicePort, targetPort } from "../proxy/content.ts";
import { restoreText } from "./content.ts";

/** Of the first Service: all of the machine that listens. */
const targets = ["10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5"] as const;

export interface IpvsPathOptions {
  /** net.ipv4.vs.conntrack: what masquerades behind IPVS needs it. */
  readonly conntrack?: boolean;
  /** net.ipv4.vs.snat_reroute, which is on where nobody says otherwise: answers are routed as from the node itself. */
  readonly reroute?: boolean;
  /** A chain that may masquerade, as a node has one: conntrack looks at each packet, whether or not IPVS tells it. */
  readonly masquerade?: boolean;
}

export function ipvsPath(services: number, options: IpvsPathOptions = {}): Scenario {
  const { clientNamespace, serverNamespace, routerNamespace, setup } = routed;
  const { conntrack = false, reroute = true, masquerade = false } = options;
  const said = [masquerade && "masquerade", conntrack && "vs.conntrack", !reroute && "no snat_reroute"];
  return {
    name: [`IPVS of ${services} Services`, ...said.filter((word) => word !== false)].join(", "),
    setup: `${setup}
ip netns exec ${routerNamespace} sh -e <<'ROUTER'
ip link add kube-ipvs0 type dummy
ip address add ${clusterIp(0)}/32 dev kube-ipvs0
ipvsadm --restore < ${quote(restoreFile(services))}
sysctl -qw net.ipv4.vs.conntrack=${conntrack ? 1 : 0} net.ipv4.vs.snat_reroute=${reroute ? 1 : 0}
${masquerade ? masqueradeRules : ""}
ROUTER
`,
    clientNamespace,
    serverNamespace,
    target: { address: clusterIp(0), port: servicePort },
    listenPort: targetPort,
  };
}

/** What is marked is masqueraded, as every mode of kube-proxy does it; here nothing is. */
const masqueradeRules = `nft -f - <<'RULES'
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 100
    meta mark & 0x4000 == 0 return
    masquerade
  }
}
RULES`;

/** Where the guest, too, finds it. */
function restoreFile(services: number): string {
  const text = restoreText({ services, endpoints: targets.length }, targets);
  const file = path.join(cacheRoot(), `ipvs-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`);
  if (existsSync(file)) return file;
  mkdirSync(cacheRoot(), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
