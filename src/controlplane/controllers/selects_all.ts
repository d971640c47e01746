/** A selector of everything: nobody means that, and it is refused. Pure. */
import type { LabelSelector } from "../../model/label_selector.ts";

export function selectsAll({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}
