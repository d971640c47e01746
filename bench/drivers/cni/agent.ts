/** A node agent's part that serves the plugin, as a process of its own: `agent.js SOCKET STATE-FOLDER`. */
import { serveCni } from "../../../cni/server.ts";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import { openPodNetwork } from "../../../src/cmd/pod_network.ts";
import { noMetrics } from "../../../src/network/metrics.ts";

const [socketPath = "", stateDir = ""] = process.argv.slice(2);
const pods = await openPodNetwork({
  stateDir,
  metrics: noMetrics,
  podCidrs: () => [],
  excluded: [],
  mtu: () => 1500,
  notReady: () => undefined,
});
await pods.network.restore();
const server = await serveCni({ network: pods.network, namespaces, socketPath });
process.stdout.write("ready\n");
// It ends when its standard input does, also when its parent was killed.
process.stdin.resume();
process.stdin.once("end", () => void server.stop().then(() => pods.close()));
