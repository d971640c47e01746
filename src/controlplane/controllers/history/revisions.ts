/**
 * ControllerRevisions: what the template of a DaemonSet or StatefulSet was, to tell pods of different
 * templates apart and to go back (pkg/controller/history). Pure.
 */
import type { ControllerRevision, KubeObject, New, OwnerReference } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { canonicalJson } from "../pods/hash.ts";

/** On pods and revisions: which template. A DaemonSet's pods carry the hash, a StatefulSet's the revision's name. */
export const revisionLabel = "controller-revision-hash";

/** A strategic merge patch that brings the template back; nothing else of the set is kept. */
export function templatePatch(template: object): object {
  return { spec: { template: { ...template, $patch: "replace" } } };
}

/** Whether a revision is of the template; the order of keys and what is null do not count. */
export function isOf(revision: ControllerRevision, template: object): boolean {
  return canonicalJson(revision.data) === canonicalJson(templatePatch(template));
}

/** The template that a revision keeps; undefined where it is none that a set wrote. */
export function templateOf(revision: ControllerRevision): object | undefined {
  const template = (revision.data as { spec?: { template?: Record<string, unknown> } } | undefined)?.spec?.template;
  if (template === undefined) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

/** Older first; equal revisions by age and name (history.SortControllerRevisions). */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [one, other] = [a.metadata, b.metadata];
  if (one.creationTimestamp !== other.creationTimestamp) {
    return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
  }
  return one.name < other.name ? -1 : 1;
}

export function nextRevision(revisions: readonly ControllerRevision[]): number {
  return 1 + revisions.reduce((max, { revision }) => Math.max(max, revision), 0);
}

export interface RevisionShape {
  readonly name: string;
  readonly labels: Labels;
  readonly revision: number;
  readonly template: object;
  readonly reference: OwnerReference;
}

/** A revision to be made; it carries its owner's annotations. */
export function newRevision({ metadata }: KubeObject, shape: RevisionShape): New<ControllerRevision> & NamedRevision {
  const { name, labels, revision, template, reference } = shape;
  return {
    metadata: {
      name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [reference],
    },
    revision,
    data: templatePatch(template),
  };
}

export interface NamedRevision {
  readonly metadata: { readonly name: string };
}
