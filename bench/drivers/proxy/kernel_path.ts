/** The path through our table of a cluster's Services, for the machine that counts instructions. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { encodeBatch } from "../../../src/kernel/netlink/codec/message.ts";
import { renderBatch } from "../../../src/kernel/netlink/nftables/batch.ts";
import { planTable } from "../../../src/proxy/modes/nftables/plan.ts";
import { ensureProgram } from "../../../test/vm/harness/instructions/program.ts";
import { routed, type Scenario } from "../../../test/vm/harness/instructions/scenarios.ts";
import { cacheRoot } from "../../../test/vm/harness/paths.ts";
import { quote } from "../../../test/vm/harness/quote.ts";
import { clusterIp, servicePort, targetPort } from "./content.ts";
import { clusterOf, newRuleset, want } from "./table.ts";

/** The addresses of the first Service's endpoints: all of the machine that listens. */
const targets = ["10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5"] as const;

/** What the proxy sends to the kernel at its first sync is made here, and sent there: the same bytes. */
export async function proxyPath(services: number): Promise<Scenario> {
  const program = await ensureProgram("nft_batch");
  const { clientNamespace, serverNamespace, routerNamespace, setup } = routed;
  return {
    name: `our table of ${services} Services`,
    // The kernel grows a set's hash table behind the load that filled it.
    setup: `${setup}\nip netns exec ${routerNamespace} ${quote(program)} ${quote(batchFile(services))}\nsleep 1\n`,
    clientNamespace,
    serverNamespace,
    target: { address: clusterIp(0), port: servicePort },
    listenPort: targetPort,
  };
}

/** One rule that translates one address to another: what the kernel's own NAT costs, whatever finds the backend. */
export const translationAlone: Scenario = {
  name: "one rule that translates",
  setup: `${routed.setup}
ip netns exec ${routed.routerNamespace} nft -f - <<'RULES'
table ip translation {
  chain prerouting {
    type nat hook prerouting priority -100
    ip daddr ${clusterIp(0)} tcp dport ${servicePort} dnat to ${targets[0]}:${targetPort}
  }
  chain postrouting { type nat hook postrouting priority 100 ; }
}
RULES
`,
  clientNamespace: routed.clientNamespace,
  serverNamespace: routed.serverNamespace,
  target: { address: clusterIp(0), port: servicePort },
  listenPort: targetPort,
};

/** Where the guest, too, finds it. */
function batchFile(services: number): string {
  const ruleset = newRuleset();
  const cluster = clusterOf({ services, endpoints: targets.length }, targets);
  cluster.services.forEach((service, i) => want(ruleset, service, cluster.slices[i]!));
  const bytes = encodeBatch(renderBatch(planTable(ruleset, undefined)).requests, 1);
  const file = path.join(cacheRoot(), `table-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`);
  if (existsSync(file)) return file;
  mkdirSync(cacheRoot(), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, bytes);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
