/** What the operator decides about controllers; names and defaults are kube-controller-manager's. */

export interface ControllerOptions {
  /** --cluster-cidr: ranges that nodes' pod ranges are taken from; none: nodes get none. */
  readonly clusterCidrs: readonly string[];
  /** --node-cidr-mask-size-ipv4 and -ipv6 */
  readonly nodeCidrMaskSizes: { readonly ipv4: number; readonly ipv6: number };
  /** --service-cluster-ip-range, which nodes' ranges leave alone. */
  readonly serviceCidrs: readonly string[];
  /** --load-balancer-pool (Fairlead's own): addresses and ranges for Services of type LoadBalancer. */
  readonly loadBalancerPool: readonly string[];
  /** --node-monitor-grace-period: silence after which a node is unreachable, in ms. */
  readonly nodeMonitorGracePeriodMs: number;
  /** --node-monitor-period, in ms. */
  readonly nodeMonitorPeriodMs: number;
  /** --terminated-pod-gc-threshold */
  readonly terminatedPodGcThreshold: number;
  /** --cluster-signing-duration, in ms. */
  readonly clusterSigningDurationMs: number;
  /** Folder on each node where the built-in local-path provisioner makes volumes. */
  readonly localPathFolder: string;
}

export const defaultControllerOptions: ControllerOptions = {
  clusterCidrs: [],
  nodeCidrMaskSizes: { ipv4: 24, ipv6: 64 },
  serviceCidrs: ["10.96.0.0/12"],
  loadBalancerPool: [],
  nodeMonitorGracePeriodMs: 50_000,
  nodeMonitorPeriodMs: 5000,
  terminatedPodGcThreshold: 12_500,
  clusterSigningDurationMs: 365 * 24 * 60 * 60 * 1000,
  localPathFolder: "/var/lib/fairlead/local-path",
};
