/** Outcomes of a trace as text: what all ways have in common once, then where they part. */
import type { TraceNames } from "./names.ts";
import type { Outcome, TraceStep } from "./nftables.ts";

/** @param names what the API calls the addresses, where it was asked */
export function explain(outcomes: readonly Outcome[], names?: TraceNames): readonly string[] {
  const common = commonSteps(outcomes);
  return [
    ...outcomes[0]!.steps.slice(0, common).map(describe),
    ...outcomes.flatMap((outcome) => [
      ...(outcomes.length > 1 ? [`in ${percent(outcome.probability)} of connections`] : []),
      ...outcome.steps.slice(common).map((step) => (outcomes.length > 1 ? `  ${describe(step)}` : describe(step))),
      `${outcomes.length > 1 ? "  " : ""}=> ${conclude(outcome, names)}`,
    ]),
  ];
}

function commonSteps(outcomes: readonly Outcome[]): number {
  const [first, ...others] = outcomes;
  const isCommon = (step: TraceStep, i: number): boolean =>
    others.every(({ steps }) => JSON.stringify(steps[i]) === JSON.stringify(step));
  const parted = first!.steps.findIndex((step, i) => !isCommon(step, i));
  return parted < 0 ? first!.steps.length : parted;
}

function describe(step: TraceStep): string {
  switch (step.step) {
    case "hook":
      return `${step.hook}: chain ${step.chain}`;
    case "enter":
      return `  ${step.by} ${step.chain}`;
    case "lookup":
      return `  ${step.set} has ${step.found === undefined ? "no " : ""}${step.key}${step.found ? `: ${step.found}` : ""}`;
    case "draw":
      return `  number ${step.number} of ${step.below} is drawn`;
    case "mark":
      return `  mark 0x${step.mark.toString(16)}`;
    case "remember":
      return `  ${step.set} remembers ${step.data} for ${step.key}`;
    case "forget":
      return `  ${step.set} forgets ${step.key}`;
    case "translate":
      return `  destination becomes ${step.address}${step.port === undefined ? "" : ` port ${step.port}`}`;
    case "masquerade":
      return "  source becomes this node's address";
    default:
      return `  ${step.step}`;
  }
}

function conclude(outcome: Outcome, names?: TraceNames): string {
  const { verdict, destination, translated, masqueraded } = outcome;
  if (verdict !== "accepted") return verdict;
  const pod = names?.endpoints.get(destination.address);
  const where = `${destination.address} port ${destination.port}${pod === undefined ? "" : ` (${pod})`}`;
  if (!translated) return `goes on to ${where}, no Service's`;
  return `goes to ${where}, with ${masqueraded ? "this node's" : "its own"} source address`;
}

function percent(probability: number): string {
  return `${Number((probability * 100).toFixed(2))} %`;
}
