/** Who a StatefulSet's pod is: its ordinal, its name, its claims (pkg/controller/statefulset/stateful_set_utils.go). Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { New, PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { revisionLabel } from "../history/revisions.ts";
import { controllerRef } from "../ownership.ts";
import { podFromTemplate, type PodTemplate } from "../pods/template.ts";

const nameLabel = "statefulset.kubernetes.io/pod-name";
const indexLabel = "apps.kubernetes.io/pod-index";

/** A pod that is there, or one that is to be made: it has no uid and no status yet. */
export type Replica = Pod;

/** @returns the ordinal of a name that the set would give; undefined of another */
export function ordinalOf(set: StatefulSet, { metadata }: { readonly metadata: { readonly name: string } }) {
  const [, parent, digits] = /^(.*)-(\d+)$/.exec(metadata.name) ?? [];
  return parent === set.metadata.name && digits !== undefined ? Number(digits) : undefined;
}

export const sizeOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1;
export const startOf = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0;

export function isInRange(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(set, pod);
  return ordinal !== undefined && ordinal >= startOf(set) && ordinal < startOf(set) + sizeOf(set);
}

export const podName = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`;

export const revisionNameOf = ({ metadata }: Pod): string => metadata.labels?.[revisionLabel] ?? "";

/** Templates of claims, whose kind and status the server fills in. */
type ClaimTemplate = NonNullable<StatefulSet["spec"]["volumeClaimTemplates"]>[number];

const claimName = (set: StatefulSet, template: ClaimTemplate, ordinal: number): string =>
  `${template.metadata?.name}-${podName(set, ordinal)}`;

/** The claims of an ordinal, by the volume's name. */
export function claimsOf(set: StatefulSet, ordinal: number): ReadonlyMap<string, New<PersistentVolumeClaim> & Named> {
  const { namespace } = set.metadata;
  const claims = (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { labels, annotations, finalizers, name = "" } = template.metadata ?? {};
    const metadata = {
      name: claimName(set, template, ordinal),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labels, ...set.spec.selector.matchLabels },
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
    };
    return [name, { metadata, spec: template.spec ?? {} }] as const;
  });
  return new Map(claims);
}

interface Named {
  readonly metadata: { readonly name: string };
}

/** Of a template, which is the present one or an older revision's. */
export function newReplica(set: StatefulSet, template: PodTemplate, revision: string, ordinal: number): Replica {
  const name = podName(set, ordinal);
  const reference = controllerRef(resourceTypes.statefulSets, set);
  const { generateName: _, ...metadata } = podFromTemplate(template, set.metadata.name, reference).metadata;
  return withIdentity(set, ordinal, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata,
      name,
      uid: "",
      resourceVersion: "",
      creationTimestamp: "",
      labels: { ...metadata.labels, [revisionLabel]: revision },
    },
    spec: { ...template.spec!, hostname: name, ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}) },
  });
}

/** The pod with the labels and volumes that its ordinal has. */
export function withIdentity(set: StatefulSet, ordinal: number, pod: Pod): Pod {
  const { namespace } = set.metadata;
  const labels = { ...pod.metadata.labels, [nameLabel]: pod.metadata.name, [indexLabel]: String(ordinal) };
  const claims = [...claimsOf(set, ordinal)].map(([name, claim]) => ({
    name,
    persistentVolumeClaim: { claimName: claim.metadata.name, readOnly: false },
  }));
  const others = (pod.spec.volumes ?? []).filter(({ name }) => !claims.some((claim) => claim.name === name));
  const volumes = [...claims, ...others];
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(namespace === undefined ? {} : { namespace }), labels },
    spec: { ...pod.spec, ...(volumes.length === 0 ? {} : { volumes }) },
  };
}

/** Whether the pod's labels and volumes are those of its ordinal; somebody may have changed the labels. */
export function hasIdentity(set: StatefulSet, ordinal: number, { metadata, spec }: Pod): boolean {
  const isNamed = metadata.labels?.[nameLabel] === metadata.name;
  return (
    isNamed &&
    [...claimsOf(set, ordinal)].every(([name, claim]) =>
      (spec.volumes ?? []).some(
        (volume) => volume.name === name && volume.persistentVolumeClaim?.claimName === claim.metadata.name,
      ),
    )
  );
}
