/** Defaults of pods and of what holds a pod's template (pkg/apis/core/v1/defaults.go). */
import type { V1PersistentVolumeClaimSpec, V1PodSpec } from "@kubernetes/client-node";
import type { ApiObject } from "../../resources/resource.ts";
import { ensurePart, setDefault, type Json } from "../../validation/json.ts";
import { canonicalMilli } from "../../../../model/quantity.ts";
import type { ResourceList } from "../../validation/resources.ts";
import type { Container, Handler, PodSpec, PodTemplate, Probe, Volume } from "./model.ts";
import { defaultPodLevelResources } from "./pod_level_resources.ts";

/** Mode of the files that a volume makes: 0644. */
const fileMode = 0o644;
const tokenExpirationSeconds = 3600;

export function defaultPod(object: ApiObject): void {
  const spec: PodSpec = ensurePart<V1PodSpec>(object, "spec");
  defaultPodSpec(spec);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const { resources } of containers) {
    if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
  }
  defaultPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  for (const port of spec.hostNetwork ? containers.flatMap(({ ports = [] }) => ports) : []) {
    if (!port.hostPort && port.containerPort !== undefined) port.hostPort = port.containerPort;
  }
}

/** The template of a controller; it has no defaults of its own but its spec's. */
export function defaultPodTemplate(holder: { template?: PodTemplate | undefined }): void {
  holder.template ??= {};
  holder.template.metadata ??= {};
  holder.template.spec ??= {};
  defaultPodSpec(holder.template.spec);
}

export function defaultPodSpec(spec: PodSpec): void {
  setDefault(spec, "dnsPolicy", "ClusterFirst");
  setDefault(spec, "restartPolicy", "Always");
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  setDefault(spec, "schedulerName", "default-scheduler");
  // The older name of the same field is kept in step, for clients that still read it.
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  if (spec.overhead) roundUp(spec.overhead);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
}

function defaultContainer(container: Container): void {
  setDefault(container, "imagePullPolicy", pullPolicy(container.image ?? ""));
  setDefault(container, "terminationMessagePath", "/dev/termination-log");
  setDefault(container, "terminationMessagePolicy", "File");
  container.resources ??= {};
  for (const list of [container.resources.limits, container.resources.requests]) if (list) roundUp(list);
  for (const port of container.ports ?? []) setDefault(port, "protocol", "TCP");
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) setDefault(valueFrom.fieldRef, "apiVersion", "v1");
    if (valueFrom?.resourceFieldRef) setDefault(valueFrom.resourceFieldRef, "divisor", "0");
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe);
  }
  if (container.lifecycle?.postStart) defaultHandler(container.lifecycle.postStart);
  if (container.lifecycle?.preStop) defaultHandler(container.lifecycle.preStop);
}

/** The newest is pulled each time; what has another tag, or a digest, is taken from where it is. */
function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  const isNewest = !image.includes("@") && (!name.includes(":") || name.endsWith(":latest"));
  return isNewest ? "Always" : "IfNotPresent";
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.grpc) probe.grpc.service ??= "";
  defaultHandler(probe);
}

function defaultHandler({ httpGet }: Handler): void {
  if (!httpGet) return;
  setDefault(httpGet, "path", "/");
  setDefault(httpGet, "scheme", "HTTP");
}

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((field) => field === "name")) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source) source.defaultMode ??= fileMode;
  }
  if (volume.hostPath) volume.hostPath.type ??= "";
  if (volume.image) setDefault(volume.image, "pullPolicy", pullPolicy(volume.image.reference ?? ""));
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim) defaultClaimSpec(claim);
  defaultFieldRefs(volume.downwardAPI?.items ?? []);
  for (const source of volume.projected?.sources ?? []) {
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= tokenExpirationSeconds;
    defaultFieldRefs(source.downwardAPI?.items ?? []);
  }
  defaultBlockVolumes(volume);
}

type DownwardFiles = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>;

function defaultFieldRefs(files: DownwardFiles): void {
  for (const { fieldRef, resourceFieldRef } of files) {
    if (fieldRef) setDefault(fieldRef, "apiVersion", "v1");
    if (resourceFieldRef) setDefault(resourceFieldRef, "divisor", "0");
  }
}

/** Of the drivers inside the tree, those with defaults of their own. */
function defaultBlockVolumes({ iscsi, rbd, scaleIO, azureDisk }: Volume): void {
  if (iscsi) setDefault(iscsi, "iscsiInterface", "default");
  if (rbd) {
    setDefault(rbd, "pool", "rbd");
    setDefault(rbd, "user", "admin");
    setDefault(rbd, "keyring", "/etc/ceph/keyring");
  }
  if (scaleIO) {
    setDefault(scaleIO, "storageMode", "ThinProvisioned");
    setDefault(scaleIO, "fsType", "xfs");
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.kind ??= "Shared";
    azureDisk.fsType ??= "ext4";
    azureDisk.readOnly ??= false;
  }
}

export function defaultClaimSpec(spec: Json<V1PersistentVolumeClaimSpec>): void {
  spec.volumeMode ??= "Filesystem";
}

function roundUp(list: ResourceList): void {
  for (const [name, amount] of Object.entries(list)) list[name] = canonicalMilli(amount);
}
