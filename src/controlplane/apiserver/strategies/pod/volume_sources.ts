/** The volume drivers that pods and persistent volumes share: what each must say. */
import type { Causes } from "../../validation/causes.ts";
import { inRange, dns1123Label, dns1123Subdomain, type NameCheck } from "../../validation/names.ts";
import { validateName, validateNoBacksteps, validateOptionalName } from "../../validation/common.ts";

/** A source as JSON has it: its model knows the types, these checks the names of its fields. */
export type Source = Record<string, unknown>;
export type SourceCheck = (source: Source, path: string, out: Causes) => void;

const text = (source: Source, field: string): string => (source[field] as string | undefined) ?? "";

/** Fields that must be there. */
function needs(...fields: string[]): SourceCheck {
  return (source, path, out) => {
    for (const field of fields) {
      const value = source[field];
      if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) {
        out.required(`${path}.${field}`);
      }
    }
  };
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

const hostPath: SourceCheck = (source, path, out) => {
  const where = text(source, "path");
  if (where === "") return out.required(`${path}.path`);
  validateNoBacksteps(where, `${path}.path`, out);
  const type = source["type"] as string | undefined;
  if (type !== undefined && !hostPathTypes.includes(type)) out.notSupported(`${path}.type`, type, hostPathTypes);
};

const nfs: SourceCheck = (source, path, out) => {
  needs("server", "path")(source, path, out);
  const where = text(source, "path");
  if (!where.startsWith("/")) out.invalid(`${path}.path`, where, "must be an absolute path");
};

/** iSCSI names (RFC 3720, 3.2.6.3). */
const qualifiedNames = [
  /^iqn\.\d{4}-\d{2}\.[A-Za-z0-9-.]+(:[^,;*&$|\s]+)$/,
  /^eui\.[0-9A-Fa-f]{16}$/,
  /^naa\.[0-9A-Fa-f]{32}$/,
];

function validateInitiator(name: string, path: string, out: Causes): void {
  const kind = ["iqn", "eui", "naa"].findIndex((prefix) => name.startsWith(prefix));
  if (kind < 0) out.invalid(path, name, "must be valid format starting with iqn, eui, or naa");
  else if (!qualifiedNames[kind]!.test(name)) out.invalid(path, name, "must be valid format");
}

function validateUnit(lun: number, path: string, out: Causes): void {
  if (lun < 0 || lun > 255) out.invalid(path, lun, inRange(0, 255));
}

const iscsi: SourceCheck = (source, path, out) => {
  needs("targetPortal", "iqn")(source, path, out);
  if (text(source, "iqn") !== "") validateInitiator(text(source, "iqn"), `${path}.iqn`, out);
  validateUnit((source["lun"] as number | undefined) ?? 0, `${path}.lun`, out);
  if ((source["chapAuthDiscovery"] || source["chapAuthSession"]) && !source["secretRef"]) {
    out.required(`${path}.secretRef`);
  }
  const initiator = source["initiatorName"] as string | undefined;
  if (initiator !== undefined) validateInitiator(initiator, `${path}.initiatorname`, out);
};

const fc: SourceCheck = (source, path, out) => {
  const targets = (source["targetWWNs"] ?? []) as string[];
  const ids = (source["wwids"] ?? []) as string[];
  const at = `${path}.targetWWNs`;
  if (targets.length + ids.length === 0) out.required(at, "must specify either targetWWNs or wwids, but not both");
  if (targets.length > 0 && ids.length > 0) {
    out.invalid(at, targets, "targetWWNs and wwids can not be specified simultaneously");
  }
  if (targets.length === 0) return;
  const lun = source["lun"] as number | undefined;
  if (lun === undefined) out.required(`${path}.lun`, "lun is required if targetWWNs is specified");
  else validateUnit(lun, `${path}.lun`, out);
};

/** A disk of a cloud, with an optional partition. */
function disk(field: string): SourceCheck {
  return (source, path, out) => {
    needs(field)(source, path, out);
    const partition = (source["partition"] as number | undefined) ?? 0;
    if (partition < 0 || partition > 255) out.invalid(`${path}.partition`, partition, inRange(0, 255));
  };
}

const flocker: SourceCheck = (source, path, out) => {
  const name = text(source, "datasetName");
  const uuid = text(source, "datasetUUID");
  if (name === "" && uuid === "") out.required(path, "one of datasetName and datasetUUID is required");
  if (name !== "" && uuid !== "") {
    out.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (name.includes("/")) out.invalid(`${path}.datasetName`, name, "must not contain '/'");
};

const quobyte: SourceCheck = (source, path, out) => {
  const words = "must be a host:port pair or multiple pairs separated by commas";
  const registry = text(source, "registry");
  if (registry === "") out.required(`${path}.registry`, words);
  else if (text(source, "tenant").length >= 65) {
    out.required(`${path}.tenant`, "must be a UUID and may not exceed a length of 64 characters");
  } else if (registry.split(",").some((pair) => !/^([^:]*|\[[^\]]*\]):[^:]*$/.test(pair))) {
    out.invalid(`${path}.registry`, registry, words);
  }
  needs("volume")(source, path, out);
};

const flexVolume: SourceCheck = (source, path, out) => {
  needs("driver")(source, path, out);
  for (const key of Object.keys(source["options"] ?? {})) {
    if (!/(^|\.)(kubernetes|k8s)\.io$/.test(key.split("/")[0]!.toLowerCase())) continue;
    out.invalid(`${path}.options[${key}]`, key, "kubernetes.io and k8s.io namespaces are reserved");
  }
};

const managedDisk = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const blobDisk = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

const azureDisk: SourceCheck = (source, path, out) => {
  needs("diskName", "diskURI")(source, path, out);
  for (const [field, supported] of [
    ["cachingMode", ["None", "ReadOnly", "ReadWrite"]],
    ["kind", ["Dedicated", "Managed", "Shared"]],
  ] as const) {
    const value = source[field] as string | undefined;
    if (value !== undefined && !(supported as readonly string[]).includes(value)) {
      out.notSupported(`${path}.${field}`, value, supported);
    }
  }
  const uri = text(source, "diskURI");
  const kind = source["kind"] as string | undefined;
  if (kind === "Managed" && !uri.startsWith("/subscriptions/")) out.notSupported(`${path}.diskURI`, uri, [managedDisk]);
  if (kind !== undefined && kind !== "Managed" && !uri.startsWith("https://")) {
    out.notSupported(`${path}.diskURI`, uri, [blobDisk]);
  }
};

const storageos: SourceCheck = (source, path, out) => {
  validateName(text(source, "volumeName"), `${path}.volumeName`, dns1123Label, out);
  validateOptionalName(text(source, "volumeNamespace"), `${path}.volumeNamespace`, dns1123Label, out);
};

/** A reference to a Secret. @param fields those that it must have */
export function secretRef(source: Source, field: string, fields: readonly string[], path: string, out: Causes): void {
  const ref = source[field] as Source | undefined;
  if (ref) needs(...fields)(ref, `${path}.${field}`, out);
}

/** Name of a CSI driver. */
export function validateDriverName(name: string | undefined, path: string, out: Causes): void {
  if (!name) out.required(path);
  if ((name ?? "").length > 63) out.tooLong(path, 63);
  const check: NameCheck = (value) => dns1123Subdomain(value.toLowerCase());
  out.invalidEach(path, name ?? "", check(name ?? ""));
}

/** By field; those that pods and persistent volumes have alike. */
export const sharedSources: Readonly<Record<string, SourceCheck>> = {
  hostPath,
  gcePersistentDisk: disk("pdName"),
  awsElasticBlockStore: disk("volumeID"),
  nfs,
  iscsi,
  glusterfs: needs("endpoints", "path"),
  flocker,
  rbd: needs("monitors", "image"),
  cinder: needs("volumeID"),
  cephfs: needs("monitors"),
  quobyte,
  fc,
  flexVolume,
  azureFile: needs("secretName", "shareName"),
  vsphereVolume: needs("volumePath"),
  photonPersistentDisk: needs("pdID"),
  portworxVolume: needs("volumeID"),
  azureDisk,
  storageos,
  scaleIO: needs("gateway", "system", "volumeName"),
};
