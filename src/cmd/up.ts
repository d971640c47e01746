/** `fairlead up`: a whole cluster on this machine, until Ctrl-C or `fairlead down`. */
import os from "node:os";
import path from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import type { UpContext } from "../up/context.ts";
import { instanceOf } from "../up/instance.ts";
import type { UpSettings } from "../up/settings.ts";
import { addressRanges, ipAddress, repeatedWhole, wholeNumber } from "./flag_values.ts";
import {
  instanceFlags,
  openUnderlay,
  programs,
  progressOf,
  startedContext,
  type InstanceFlags,
} from "./instance_flags.ts";

interface Flags extends InstanceFlags {
  readonly kubeconfig?: string | false;
  readonly context: string;
  readonly nodeName?: string;
  readonly nodeIp?: string;
  readonly securePort: number;
  readonly clusterCidr?: string;
  readonly serviceCidr?: string;
  readonly containerRuntimeEndpoint?: string;
  readonly nodes?: number;
  readonly nodeNetwork?: string;
  readonly serverFlag?: readonly string[];
  readonly demo?: boolean;
  readonly detach?: boolean;
  readonly keepPods?: boolean;
}

export function configure(command: Command): void {
  instanceFlags(command)
    .option(
      "--kubeconfig <file>",
      "into which the context is merged; default: the first of $KUBECONFIG, ~/.kube/config",
    )
    .option("--no-kubeconfig", "leave kubeconfigs alone: 'fairlead kubeconfig' prints one")
    .option("--context <name>", "name of the context, its cluster and its user", "fairlead")
    .option("--demo", "deploy a small application, and show it balanced and updated")
    .option("-d, --detach", "return when the cluster is ready, and let it run on")
    .option("--node-name <name>", "name of the node; default: the machine's")
    .option("--node-ip <ip>", "address of the node; default: that of the default route", ipAddress)
    .option("--secure-port <port>", "port of the API server", wholeNumber(1, 65535), 6443)
    .option("--cluster-cidr <range>", "addresses of pods; default: 10.244.0.0/16", oneRange)
    .option("--service-cidr <range>", "addresses of Services; default: 10.96.0.0/12", oneRange)
    .option("--nodes <count>", "nodes on this machine: further ones in network namespaces", wholeNumber(1, 100))
    .option("--node-network <range>", "addresses of these nodes; default: 10.245.0.0/24", oneRange)
    .option("--container-runtime-endpoint <url>", "a containerd that runs; default: one of our own")
    .option(
      "--server-flag <flag>",
      "a further one of 'fairlead server', from its next start: --server-flag=--name=value (repeatable)",
      repeatedWhole,
    )
    .option("--keep-pods", "at SIGTERM, end what is ours and let pods run on (for systemd)")
    .action(async (flags: Flags) => {
      const { beginCluster, runUp, detach } = await import("./run_up.ts");
      if (flags.detach) process.exit(await detach());
      const options = {
        wanted: () => contextOf(flags),
        started: () => startedContext(flags),
        begin: (running: UpContext) => beginCluster(running, flags.demo ?? false),
        keepPods: flags.keepPods ?? false,
        what: "cluster",
      };
      process.exit(await runUp(options));
    });
}

/** What a cluster was started with the last time holds where no flag says otherwise. */
async function contextOf(flags: Flags): Promise<UpContext> {
  const [
    { defaultClusterCidr, defaultServiceCidr, defaultNodeNetwork, readSettings },
    { nodeAddress },
    { defaultKubeconfig },
  ] = await Promise.all([
    import("../up/settings.ts"),
    import("../up/node_address.ts"),
    import("../up/kubeconfig/file.ts"),
  ]);
  const instance = instanceOf(flags.dataDir);
  const before = await readSettings(instance);
  const kubeconfig =
    flags.kubeconfig === false ? undefined : path.resolve(flags.kubeconfig ?? defaultKubeconfig(process.env));
  const runtimeEndpoint = flags.containerRuntimeEndpoint ?? before?.runtimeEndpoint;
  const serverFlags = flags.serverFlag ?? before?.serverFlags;
  const settings: UpSettings = {
    nodeName: (flags.nodeName ?? before?.nodeName ?? os.hostname()).trim().toLowerCase(),
    nodeIp: flags.nodeIp ?? (await nodeAddress(before?.nodeIp)),
    securePort: flags.securePort,
    clusterCidr: flags.clusterCidr ?? before?.clusterCidr ?? defaultClusterCidr,
    serviceCidr: flags.serviceCidr ?? before?.serviceCidr ?? defaultServiceCidr,
    context: flags.context,
    nodes: flags.nodes ?? before?.nodes ?? 1,
    nodeNetwork: flags.nodeNetwork ?? before?.nodeNetwork ?? defaultNodeNetwork,
    ...(runtimeEndpoint === undefined ? {} : { runtimeEndpoint }),
    ...(serverFlags === undefined ? {} : { serverFlags }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(before?.contextBefore === undefined ? {} : { contextBefore: before.contextBefore }),
  };
  return { instance, settings, progress: progressOf(flags), programs: programs(), openUnderlay };
}

function oneRange(text: string): string {
  const [range, more] = addressRanges(text);
  if (range === undefined || more !== undefined) throw new InvalidArgumentError("It must be one range.");
  return range;
}
