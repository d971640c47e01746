/** How a container uses the pod's volumes: mounted, or as block devices. */
import type { V1VolumeDevice, V1VolumeMount } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { validateDescendingPath } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import type { Container, Volume } from "./model.ts";

type Mount = Json<V1VolumeMount>;
type Device = Json<V1VolumeDevice>;
/** Volumes of the pod that are right, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

export function validateMounts(container: Container, volumes: Volumes, path: string, out: Causes): void {
  const mounts = container.volumeMounts ?? [];
  const devices = container.volumeDevices ?? [];
  const isPrivileged = container.securityContext?.privileged === true;
  const seen = new Set<string>();
  for (const [i, mount] of mounts.entries()) {
    const at = `${path}.volumeMounts[${i}]`;
    validateMount(mount, volumes, at, out);
    const { mountPath = "", name = "" } = mount;
    if (seen.has(mountPath)) out.invalid(`${at}.mountPath`, mountPath, "must be unique");
    seen.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      out.invalid(`${at}.name`, name, "must not already exist in volumeDevices");
    }
    if (devices.some(({ devicePath }) => devicePath === mountPath)) {
      out.invalid(`${at}.mountPath`, mountPath, "must not already exist as a path in volumeDevices");
    }
    // Upstream names these by the list, without the index.
    validateSubPaths(mount, at, `${path}.volumeMounts`, out);
    validatePropagation(mount, isPrivileged, `${path}.volumeMounts`, out);
  }
  validateDevices(devices, mounts, volumes, `${path}.volumeDevices`, out);
}

function validateMount(mount: Mount, volumes: Volumes, at: string, out: Causes): void {
  if (!mount.name) out.required(`${at}.name`);
  const volume = volumes.get(mount.name ?? "");
  if (!volume) out.notFound(`${at}.name`, mount.name ?? "");
  if (!mount.mountPath) out.required(`${at}.mountPath`);
  if (!volume?.image) return;
  for (const field of ["subPath", "subPathExpr"] as const) {
    if (mount[field]) out.invalid(`${at}.${field}`, mount[field], "not allowed in image volume sources");
  }
}

function validateSubPaths({ subPath, subPathExpr }: Mount, at: string, list: string, out: Causes): void {
  if (subPath) validateDescendingPath(subPath, `${list}.subPath`, out);
  if (!subPathExpr) return;
  if (subPath) out.invalid(`${at}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive");
  validateDescendingPath(subPathExpr, `${list}.subPathExpr`, out);
}

const propagations: readonly string[] = ["Bidirectional", "HostToContainer", "None"];
const recursions: readonly string[] = ["Disabled", "Enabled", "IfPossible"];

function validatePropagation(mount: Mount, isPrivileged: boolean, list: string, out: Causes): void {
  const { mountPropagation: propagation, recursiveReadOnly: recursion, readOnly } = mount;
  if (propagation !== undefined && !propagations.includes(propagation)) {
    out.notSupported(`${list}.mountPropagation`, propagation, propagations);
  }
  if (propagation === "Bidirectional" && !isPrivileged) {
    const words = "Bidirectional mount propagation is available only to privileged containers";
    out.forbidden(`${list}.mountPropagation`, words);
  }
  if (recursion === undefined || recursion === "Disabled") return;
  const at = `${list}.recursiveReadOnly`;
  if (!recursions.includes(recursion)) return out.notSupported(at, recursion, recursions);
  if (!readOnly) out.forbidden(at, "may only be specified when readOnly is true");
  if (propagation !== undefined && propagation !== "None") {
    out.forbidden(at, "may only be specified when mountPropagation is None or not specified");
  }
}

function validateDevices(
  devices: readonly Device[],
  mounts: readonly Mount[],
  volumes: Volumes,
  path: string,
  out: Causes,
): void {
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, { name = "", devicePath = "" }] of devices.entries()) {
    const at = `${path}[${i}]`;
    if (name === "") out.required(`${at}.name`);
    if (names.has(name)) out.invalid(`${at}.name`, name, "must be unique");
    const volume = volumes.get(name);
    if (!volume) out.notFound(`${at}.name`, name);
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const words = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      out.invalid(`${at}.name`, name, words);
    }
    if (devicePath === "") out.required(`${at}.devicePath`);
    if (paths.has(devicePath)) out.invalid(`${at}.devicePath`, devicePath, "must be unique");
    if (devicePath.split("/").includes("..")) {
      out.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')");
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      out.invalid(`${at}.name`, name, "must not already exist in volumeMounts");
    }
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      out.invalid(`${at}.devicePath`, devicePath, "must not already exist as a path in volumeMounts");
    }
    if (name !== "") names.add(name);
  }
}
