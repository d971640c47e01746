/** Elements whose time is over go by themselves, as the kernel's garbage collection has it. */
import { has } from "./backend.ts";
import { removeOne } from "./executors/elements.ts";
import { Transaction, type FakeKernel } from "./transaction.ts";

export function expire(kernel: FakeKernel, nowMs: number): void {
  const transaction = new Transaction(kernel);
  for (const table of kernel.ruleset.values()) {
    for (const set of table.sets.values()) {
      if (!has(set, "timeout")) continue;
      for (const element of [...set.elements.values()]) {
        if ((element.expiresAtMs ?? Infinity) <= nowMs) removeOne(set, element, transaction);
      }
    }
  }
}
