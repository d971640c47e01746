/** Carries an overlay's changes out. */
import { constants } from "node:os";
import type { FairleadError } from "../../errors/catalogue.ts";
import type { RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import type { EntryStep } from "./plan.ts";
import type { Entry } from "./state.ts";

/** What is gone already need not go: ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL. */
const { ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL } = constants.errno;
const gone: readonly (number | undefined)[] = [ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL];

/** @throws FairleadError of the first change that was refused; those behind it were tried too */
export async function applyLinks(port: RoutingPort, changes: readonly RoutingChange[]): Promise<void> {
  const refused = (await port.apply(changes)).find((outcome, i) => outcome && !isDone(changes[i]!, outcome));
  if (refused) throw refused;
}

/**
 * @param programmed what there is by key; kept up with what was done
 * @returns what was refused, by key
 */
export async function applyEntries(
  port: RoutingPort,
  steps: readonly EntryStep[],
  programmed: Map<string, Entry>,
): Promise<ReadonlyMap<string, FairleadError>> {
  const refused = new Map<string, FairleadError>();
  const outcomes = await port.apply(steps.map(({ change }) => change));
  steps.forEach(({ key, leaves, change }, i) => {
    const outcome = outcomes[i] ?? null;
    if (outcome && !isDone(change, outcome)) refused.set(key, outcome);
    else if (leaves) programmed.set(key, leaves);
    else programmed.delete(key);
  });
  return refused;
}

/** The link went, or went down, since it was looked at: not the change is wrong but what it was planned on. */
export function isOutdated({ errno }: FairleadError): boolean {
  return errno === ENODEV || errno === constants.errno.ENETDOWN;
}

function isDone({ verb }: RoutingChange, { errno }: FairleadError): boolean {
  return verb === "delete" && gone.includes(errno);
}
