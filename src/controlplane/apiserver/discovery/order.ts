/**
 * The order of groups and versions: clients that know no better take the first that has what they
 * ask for. Built-in groups stand where upstream's API services have their priorities
 * (pkg/controlplane/apiserver/aggregator.go); groups of custom resources come behind them by name.
 */

/** Priority of a group; higher ones come first. */
const groupPriorities: Readonly<Record<string, number>> = {
  "": 18000,
  apps: 17800,
  "events.k8s.io": 17750,
  "authentication.k8s.io": 17700,
  "authorization.k8s.io": 17600,
  autoscaling: 17500,
  batch: 17400,
  "certificates.k8s.io": 17300,
  "networking.k8s.io": 17200,
  policy: 17100,
  "rbac.authorization.k8s.io": 17000,
  "storage.k8s.io": 16800,
  "apiextensions.k8s.io": 16700,
  "scheduling.k8s.io": 16600,
  "coordination.k8s.io": 16500,
  "node.k8s.io": 16300,
  "discovery.k8s.io": 16200,
};
/** What the registration of custom resources gives their groups. */
const customPriority = 1000;

export function compareGroups(a: string, b: string): number {
  const difference = (groupPriorities[b] ?? customPriority) - (groupPriorities[a] ?? customPriority);
  return difference !== 0 ? difference : a < b ? -1 : a > b ? 1 : 0;
}

const stages = { alpha: 1, beta: 2, "": 3 } as const;

interface ParsedVersion {
  readonly stage: number;
  readonly major: number;
  readonly minor: number;
}

/**
 * Kubernetes' order of versions (apimachinery/pkg/version CompareKubeAwareVersionStrings), the
 * greatest first: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1; then anything else by its text.
 */
export function compareVersions(a: string, b: string): number {
  const left = parsed(a);
  const right = parsed(b);
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stage - left.stage || right.major - left.major || right.minor - left.minor;
}

function parsed(version: string): ParsedVersion | undefined {
  const match = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/.exec(version);
  if (!match) return undefined;
  const [, major, stage = "", minor = "0"] = match;
  return { major: Number(major), stage: stages[stage as keyof typeof stages], minor: Number(minor) };
}
