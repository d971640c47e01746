/** The plugins, in the order and with the weights of upstream's default profile (pkg/scheduler/apis/config default_plugins.go). */
import { balancedAllocation } from "../plugins/balanced_allocation.ts";
import { imageLocality } from "../plugins/image_locality.ts";
import { interPodAffinity } from "../plugins/inter_pod_affinity.ts";
import { nodeAffinity } from "../plugins/node_affinity.ts";
import { nodeName } from "../plugins/node_name.ts";
import { nodePorts } from "../plugins/node_ports.ts";
import { nodeResourcesFit } from "../plugins/node_resources_fit.ts";
import { nodeUnschedulable } from "../plugins/node_unschedulable.ts";
import { podTopologySpread } from "../plugins/pod_topology_spread.ts";
import { nodeVolumeLimits } from "../plugins/node_volume_limits.ts";
import { volumeBinding } from "../plugins/volume_binding.ts";
import { volumeRestrictions } from "../plugins/volume_restrictions.ts";
import { volumeZone } from "../plugins/volume_zone.ts";
import { taintToleration } from "../plugins/taint_toleration.ts";
import type { Plugin } from "./plugin.ts";

export const defaultProfile: readonly Plugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  balancedAllocation,
  imageLocality,
];
