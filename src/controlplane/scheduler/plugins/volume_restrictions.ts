import { unschedulable, type Plugin } from "../framework/plugin.ts";

const inUse = unschedulable(
  "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
);

/** A claim of ReadWriteOncePod is one pod's alone (KEP-2485). */
export const volumeRestrictions: Plugin = {
  name: "VolumeRestrictions",
  filter({ namespace, claims }, { objects, claimUsers }) {
    const exclusive = claims.filter((name) => {
      const claim = objects.persistentVolumeClaims.get(`${namespace}/${name}`);
      return claim?.spec.accessModes?.includes("ReadWriteOncePod");
    });
    if (exclusive.length === 0) return undefined;
    let users = 0;
    for (const name of exclusive) users += claimUsers.get(`${namespace}/${name}`) ?? 0;
    return {
      check: () => (users > 0 ? inUse : undefined),
      change(_, other, by) {
        if (other.namespace !== namespace) return;
        users += by * other.claims.filter((name) => exclusive.includes(name)).length;
      },
    };
  },
  helps(event, { namespace, claims }) {
    if (event.type === "ClaimChange") {
      const { metadata } = event.claim;
      return metadata.namespace === namespace && claims.includes(metadata.name);
    }
    if (event.type !== "PodDelete" || event.pod.namespace !== namespace) return false;
    return event.pod.claims.some((name) => claims.includes(name));
  },
};
