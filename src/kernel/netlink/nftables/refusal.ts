/** The error of a transaction that the kernel, or its fake, refused. */
import { getSystemErrorName } from "node:util";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Outcome } from "../codec/message.ts";
import { describeStep, type NftStep } from "./step.ts";

/** @param index the step that was refused; undefined where the ruleset as a whole was */
export function transactionRefused(
  steps: readonly NftStep[],
  index: number | undefined,
  outcome: Outcome,
): FairleadError {
  const step = index === undefined ? undefined : steps[index];
  const subject = step
    ? `step ${index! + 1} of ${steps.length}, ${describeStep(step)}`
    : `commit of ${steps.length} steps`;
  const words = outcome.message ? `: ${outcome.message}` : "";
  const where = outcome.offset === undefined ? "" : ` (attribute at byte ${outcome.offset})`;
  const reason = `${getSystemErrorName(-outcome.errno)}${words}${where}`;
  return new FairleadError("NFTABLES_REFUSED", { subject, reason, errno: outcome.errno });
}
