/** Where control groups are, for either driver (pkg/kubelet/cm, CgroupName; systemd.slice(5)). */
import type { QosClass } from "../../model/qos_class.ts";

export type CgroupDriver = "cgroupfs" | "systemd";

/** From the hierarchy's root: ["kubepods", "burstable", "pod…"]. */
export type CgroupName = readonly string[];

export interface CgroupPlace {
  /** KubeletConfiguration's cgroupRoot: "" or "/name". */
  readonly cgroupRoot: string;
  readonly cgroupDriver: CgroupDriver;
  readonly cgroupsPerQos: boolean;
}

export function cgroupNameOf(path: string): CgroupName {
  return path.split("/").filter((part) => part !== "");
}

/** Of all pods: what is enforced for them together is enforced here. */
export function podsRoot({ cgroupRoot, cgroupsPerQos }: CgroupPlace): CgroupName {
  const root = cgroupNameOf(cgroupRoot);
  return cgroupsPerQos ? [...root, "kubepods"] : root;
}

/** Guaranteed pods are right below the root. */
export function qosTier(place: CgroupPlace, qos: QosClass): CgroupName {
  return qos === "Guaranteed" ? podsRoot(place) : [...podsRoot(place), qos.toLowerCase()];
}

export function podCgroupName(place: CgroupPlace, uid: string, qos: QosClass): CgroupName {
  return [...qosTier(place, qos), `pod${uid}`];
}

/** Its path below each hierarchy's mount point, and what the runtime is given. */
export function literalName(name: CgroupName, driver: CgroupDriver): string {
  if (driver === "cgroupfs" || name.length === 0) return `/${name.join("/")}`;
  const slices = name.map(
    (_, i) =>
      `${name
        .slice(0, i + 1)
        .map(escaped)
        .join("-")}.slice`,
  );
  return `/${slices.join("/")}`;
}

/** A dash is a level of slices. */
function escaped(part: string): string {
  return part.replaceAll("-", "_");
}

/** @param folder of a pod's control group: "pod…", or "kubepods-pod….slice" @returns undefined where it is none's */
export function podUidOfFolder(folder: string, driver: CgroupDriver): string | undefined {
  const own = driver === "cgroupfs" ? folder : /^.*-(pod[^-]*)\.slice$/.exec(folder)?.[1];
  const uid = /^pod(.+)$/.exec(own ?? "")?.[1];
  return driver === "systemd" ? uid?.replaceAll("_", "-") : uid;
}
