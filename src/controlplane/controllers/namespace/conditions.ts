/** What a namespace's deletion says of itself (upstream: pkg/controller/namespace/deletion/status_condition_utils.go). Pure. */
import { qualifiedName, type ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject, Namespace } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export type NamespaceStatus = NonNullable<Namespace["status"]>;
type Condition = NonNullable<NamespaceStatus["conditions"]>[number];

/** What remains of one resource after its deletion was asked for. */
export interface Content {
  readonly type: ResourceType<KubeObject>;
  readonly remaining: number;
  /** How many of them wait for each finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** What went wrong. */
  readonly error?: string;
}

export interface Progress {
  /** What discovery could not tell, if anything. */
  readonly discoveryError?: string;
  readonly parsingError?: string;
  readonly contents: readonly Content[];
}

interface Fine {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** In upstream's order, as they are where nothing is wrong. */
const fine: readonly Fine[] = [
  {
    type: "NamespaceDeletionDiscoveryFailure",
    reason: "ResourcesDiscovered",
    message: "All resources successfully discovered",
  },
  {
    type: "NamespaceDeletionGroupVersionParsingFailure",
    reason: "ParsedGroupVersions",
    message: "All legacy kube types successfully parsed",
  },
  {
    type: "NamespaceDeletionContentFailure",
    reason: "ContentDeleted",
    message: "All content successfully deleted, may be waiting on finalization",
  },
  { type: "NamespaceContentRemaining", reason: "ContentRemoved", message: "All content successfully removed" },
  { type: "NamespaceFinalizersRemaining", reason: "ContentRemoved", message: "All content successfully removed" },
];

/** @returns the status with the deletion's conditions; the same one where none changed */
export function withProgress(status: NamespaceStatus, progress: Progress, nowMs: number): NamespaceStatus {
  const wrong = failures(progress);
  const before = status.conditions ?? [];
  const after = [...before];
  let hasChanged = false;
  for (const one of fine) {
    const trouble = wrong.get(one.type);
    const wanted = { ...one, ...trouble, status: trouble ? "True" : "False" };
    const at = after.findIndex(({ type }) => type === one.type);
    const old = after[at];
    if (old && isSame(old, wanted)) continue;
    hasChanged = true;
    const keepsTime = old?.status === wanted.status && old.lastTransitionTime !== undefined;
    const condition: Condition = {
      lastTransitionTime: keepsTime ? old.lastTransitionTime : timestamp(nowMs),
      message: wanted.message,
      reason: wanted.reason,
      status: wanted.status,
      type: wanted.type,
    };
    if (old) after[at] = condition;
    else after.push(condition);
  }
  return hasChanged ? { ...status, conditions: after } : status;
}

function isSame(old: Condition, { status, reason, message }: Fine & { readonly status: string }): boolean {
  return old.status === status && old.reason === reason && old.message === message;
}

type Trouble = Pick<Fine, "reason" | "message">;

function failures({ discoveryError, parsingError, contents }: Progress): ReadonlyMap<string, Trouble> {
  const wrong = new Map<string, Trouble>();
  if (discoveryError !== undefined) {
    wrong.set("NamespaceDeletionDiscoveryFailure", { reason: "DiscoveryFailed", message: discoveryError });
  }
  if (parsingError !== undefined) {
    const trouble = { reason: "GroupVersionParsingFailed", message: parsingError };
    wrong.set("NamespaceDeletionGroupVersionParsingFailure", trouble);
  }
  const errors = contents.flatMap(({ error }) => (error === undefined ? [] : [error])).sort();
  if (errors.length > 0) {
    const message = `Failed to delete all resource types, ${errors.length} remaining: ${errors.join(", ")}`;
    wrong.set("NamespaceDeletionContentFailure", { reason: "ContentDeletionFailed", message });
  }
  const resources = contents.filter(({ remaining }) => remaining > 0).map(remainingText);
  if (resources.length > 0) {
    const message = `Some resources are remaining: ${resources.sort().join(", ")}`;
    wrong.set("NamespaceContentRemaining", { reason: "SomeResourcesRemain", message });
  }
  const finalizers = finalizerTexts(contents);
  if (finalizers.length > 0) {
    const message = `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}`;
    wrong.set("NamespaceFinalizersRemaining", { reason: "SomeFinalizersRemain", message });
  }
  return wrong;
}

/** The core group's name is empty: "pods. has 2 resource instances". */
function remainingText({ type, remaining }: Content): string {
  const name = type.group === "" ? `${type.plural}.` : qualifiedName(type);
  return `${name} has ${remaining} resource instances`;
}

function finalizerTexts(contents: readonly Content[]): string[] {
  const totals = new Map<string, number>();
  for (const { finalizers } of contents) {
    for (const [name, count] of finalizers) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  return [...totals].map(([name, count]) => `${name} in ${count} resource instances`).sort();
}
