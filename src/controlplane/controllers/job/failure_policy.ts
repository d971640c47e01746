/** What a Job's podFailurePolicy says of a failed pod (KEP-3329; pkg/controller/job/pod_failure_policy.go). Pure. */
import type { Job, Pod } from "../../../model/kubernetes.ts";

type Policy = NonNullable<Job["spec"]["podFailurePolicy"]>;
type Rule = Policy["rules"][number];
type ContainerStatus = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number];

export interface Verdict {
  /** Undefined: no rule is about it. */
  readonly action?: "Ignore" | "FailJob" | "FailIndex" | "Count";
  /** Whether it counts towards the back-off limits. */
  readonly counts: boolean;
  /** There where the Job fails by it. */
  readonly failsJob?: string;
}

const counted: Verdict = { counts: true };

/** The first rule that matches holds. */
export function judge(policy: Policy | undefined, pod: Pod): Verdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const why = matches(rule, pod);
    if (why === undefined) continue;
    switch (rule.action) {
      case "Ignore":
        return { action: "Ignore", counts: false };
      case "FailIndex":
        return { action: "FailIndex", counts: true };
      case "Count":
        return { action: "Count", counts: true };
      case "FailJob":
        return { action: "FailJob", counts: true, failsJob: `${why} matching FailJob rule at index ${index}` };
      default:
    }
  }
  return counted;
}

/** @returns in words, what of the pod the rule is about */
function matches({ onExitCodes, onPodConditions }: Rule, { metadata, status }: Pod): string | undefined {
  const name = `${metadata.namespace ?? ""}/${metadata.name}`;
  if (onExitCodes) {
    const containers = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
    const container = containers.find((one) => exitMatches(onExitCodes, one));
    if (!container) return undefined;
    return `Container ${container.name} for pod ${name} failed with exit code ${container.state!.terminated!.exitCode}`;
  }
  const condition = (status?.conditions ?? []).find((one) =>
    (onPodConditions ?? []).some((pattern) => pattern.type === one.type && (pattern.status ?? "True") === one.status),
  );
  return condition && `Pod ${name} has condition ${condition.type}`;
}

function exitMatches(
  { containerName, operator, values }: NonNullable<Rule["onExitCodes"]>,
  { name, state }: ContainerStatus,
): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0) return false;
  if (containerName !== undefined && containerName !== name) return false;
  return values.includes(code) === (operator === "In");
}
