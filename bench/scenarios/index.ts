/** Every scenario, in the order of `--list`. */
import type { AnyScenario } from "../scenario.ts";
import { aa } from "./aa.ts";
import { apiCreate } from "./api_create.ts";
import { apiLoad } from "./api_load.ts";
import { apiList } from "./api_list.ts";
import { apiMemory } from "./api_memory.ts";
import { apiStart } from "./api_start.ts";
import { apiWatch } from "./api_watch.ts";
import { cniAdd } from "./cni_add.ts";
import { clusterScale } from "./cluster_scale.ts";
import { codec } from "./codec.ts";
import { dns } from "./dns.ts";
import { ipvsLoad, ipvsModes, ipvsPathScenario } from "./ipvs.ts";
import { kernelPath } from "./kernel_path.ts";
import { proxyLoad } from "./proxy_load.ts";
import { proxyConnect } from "./proxy_connect.ts";
import { proxySync } from "./proxy_sync.ts";
import { nftMapLoad } from "./nft_map_load.ts";
import { overlayScenarios } from "./overlay.ts";
import { nodeIdle } from "./node_idle.ts";
import { podStartScenarios } from "./pod_start.ts";
import { probeLoad } from "./probe_load.ts";
import { relayScenarios } from "./relay.ts";
import { routeLoad } from "./route_load.ts";
import { scheduler } from "./scheduler.ts";
import { up } from "./up.ts";

export const scenarios: readonly AnyScenario[] = [
  nftMapLoad,
  routeLoad,
  codec,
  kernelPath,
  ipvsLoad,
  ipvsModes,
  ipvsPathScenario,
  apiCreate,
  apiList,
  apiWatch,
  apiLoad,
  apiMemory,
  apiStart,
  scheduler,
  ...podStartScenarios,
  nodeIdle,
  probeLoad,
  up,
  dns,
  clusterScale,
  cniAdd,
  proxyLoad,
  proxySync,
  proxyConnect,
  ...overlayScenarios,
  ...relayScenarios,
  aa,
];
