/** Pods of a template (pkg/controller GetPodFromTemplate), and which templates are the same. Pure. */
import type { New, OwnerReference, Pod } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { semanticEqual } from "../../../model/equality.ts";

/** As deployments, sets and jobs carry it. */
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Labels;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec?: Pod["spec"];
}

/** Names longer than a label's are cut by who makes them up; these keep the dash off a name that is too long. */
const longestPrefix = 253;

export function podFromTemplate(template: PodTemplate, owner: string, reference: OwnerReference): New<Pod> {
  const { labels = {}, annotations = {}, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: owner.length < longestPrefix ? `${owner}-` : owner,
      labels,
      annotations,
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [reference],
    },
    spec: template.spec!,
  };
}

const hashLabels: ReadonlySet<string> = new Set(["pod-template-hash"]);

/** Whether two templates make the same pods, the labels apart that tell which set made them. */
export function sameTemplates(a: PodTemplate, b: PodTemplate): boolean {
  return semanticEqual(comparable(a), comparable(b));
}

function comparable({ metadata, spec }: PodTemplate): object {
  const labels = Object.entries(metadata?.labels ?? {}).filter(([key]) => !hashLabels.has(key));
  const { annotations, finalizers } = metadata ?? {};
  return { metadata: { labels: Object.fromEntries(labels), annotations, finalizers }, spec };
}
