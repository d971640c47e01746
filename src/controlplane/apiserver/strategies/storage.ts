/** storage.k8s.io: classes of storage, drivers, attachments. */
import type {
  V1CSIDriverSpec,
  V1CSINodeSpec,
  V1CSIStorageCapacity,
  V1StorageClass,
  V1VolumeAttachmentSpec,
} from "@kubernetes/client-node";
import { canonicalQuantity, nanos } from "../../../model/quantity.ts";
import { userMetadata } from "../resources/metadata.ts";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable } from "../validation/common.ts";
import { semanticEqual } from "../../../model/equality.ts";
import { ensurePart, partOf, setDefault, type Json } from "../validation/json.ts";
import { validateLabelName, validateSelector } from "../validation/labels.ts";
import { dns1123Subdomain, qualifiedName } from "../validation/names.ts";
import { validateDriverName } from "./pod/volume_sources.ts";

type StorageClass = Json<
  Pick<V1StorageClass, "provisioner" | "parameters" | "reclaimPolicy" | "volumeBindingMode" | "allowedTopologies">
>;

export const storageClass: Strategy = {
  defaults(object) {
    const made = object as StorageClass;
    made.reclaimPolicy ??= "Delete";
    made.volumeBindingMode ??= "Immediate";
  },
  validateCreate: (object) => causesOf((out) => validateClass(object as StorageClass, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      for (const field of ["parameters", "provisioner", "reclaimPolicy"]) {
        if (!semanticEqual(object[field], old[field])) out.forbidden(field, `updates to ${field} are forbidden.`);
      }
      validateImmutable(object["volumeBindingMode"], old["volumeBindingMode"], "volumeBindingMode", out);
    });
  },
};

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

function validateClass(made: StorageClass, out: Causes): void {
  const { provisioner = "", parameters = {}, reclaimPolicy, volumeBindingMode } = made;
  if (provisioner === "") out.required("provisioner");
  else out.invalidEach("provisioner", provisioner, qualifiedName(provisioner.toLowerCase()));
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) out.tooLong("parameters", maxParameters);
  else {
    let size = 0;
    for (const [key, value] of entries) {
      if (key === "") out.invalid("parameters", key, "field can not be empty.");
      size += Buffer.byteLength(key) + Buffer.byteLength(value);
    }
    if (size > maxParameterBytes) out.tooLong("parameters", maxParameterBytes);
  }
  if (reclaimPolicy && !["Delete", "Retain"].includes(reclaimPolicy)) {
    out.notSupported("reclaimPolicy", reclaimPolicy, ["Delete", "Retain"]);
  }
  out.enum("volumeBindingMode", volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
  validateTopologies(made.allowedTopologies ?? [], out);
}

function validateTopologies(terms: NonNullable<StorageClass["allowedTopologies"]>, out: Causes): void {
  for (const [i, { matchLabelExpressions = [] }] of terms.entries()) {
    const keys = new Set<string>();
    for (const [j, { key = "", values = [] }] of matchLabelExpressions.entries()) {
      const path = `allowedTopologies[${i}].matchLabelExpressions[${j}]`;
      if (values.length === 0) out.required(`${path}.values`);
      for (const [k, value] of values.entries()) {
        if (values.indexOf(value) < k) out.duplicate(`${path}.values[${k}]`, value);
      }
      validateLabelName(key, `${path}.key`, out);
      if (keys.has(key)) out.duplicate(`${path}.key`, key);
      keys.add(key);
    }
  }
}

export const csiDriver: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1CSIDriverSpec>(object, "spec");
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    setDefault(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    spec.volumeLifecycleModes ??= ["Persistent"];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  validateCreate: (object) => causesOf((out) => validateDriver(object, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      const spec = partOf<V1CSIDriverSpec>(object, "spec");
      const before = partOf<V1CSIDriverSpec>(old, "spec");
      validateDriver(object, out);
      for (const field of ["attachRequired", "volumeLifecycleModes"] as const) {
        validateImmutable(spec[field], before[field], `spec.${field}`, out);
      }
    });
  },
};

function validateDriver(object: ApiObject, out: Causes): void {
  const { volumeLifecycleModes: modes = [], fsGroupPolicy } = partOf<V1CSIDriverSpec>(object, "spec");
  validateDriverName(object.metadata.name, "metadata.name", out);
  for (const mode of modes) {
    if (mode === "Persistent" || mode === "Ephemeral") continue;
    out.notSupported("spec.volumeLifecycleModes", mode, ["Ephemeral", "Persistent"]);
  }
  const policies = ["File", "None", "ReadWriteOnceWithFSType"];
  if (fsGroupPolicy !== undefined && !policies.includes(fsGroupPolicy)) {
    out.notSupported("spec.fsGroupPolicy", fsGroupPolicy, policies);
  }
}

export const csiNode: Strategy = {
  validateCreate: (object) => causesOf((out) => validateDrivers(object, out)),
  validateUpdate: (object) => causesOf((out) => validateDrivers(object, out)),
};

function validateDrivers(object: ApiObject, out: Causes): void {
  const { drivers = [] } = partOf<V1CSINodeSpec>(object, "spec");
  const names = new Set<string>();
  for (const [i, { name = "", nodeID, topologyKeys = [], allocatable }] of drivers.entries()) {
    const path = `spec.drivers[${i}]`;
    validateDriverName(name, `${path}.name`, out);
    if (!nodeID) out.required(`${path}.nodeID`);
    if (names.has(name)) out.duplicate(`${path}.name`, name);
    names.add(name);
    for (const [j, key] of topologyKeys.entries()) {
      out.invalidEach(`${path}.topologyKeys`, key, qualifiedName(key));
      if (topologyKeys.indexOf(key) < j) out.duplicate(`${path}.topologyKeys`, key);
    }
    out.nonNegative(`${path}.allocatable.count`, allocatable?.count);
  }
}

type Capacity = Json<Pick<V1CSIStorageCapacity, "capacity" | "nodeTopology" | "storageClassName">>;

export const csiStorageCapacity: Strategy = {
  validateCreate: (object) => causesOf((out) => validateStorageCapacity(object as Capacity, out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      validateStorageCapacity(object as Capacity, out);
      // What a driver was asked stays what it was asked.
      for (const field of ["nodeTopology", "storageClassName"]) {
        validateImmutable(object[field], old[field], field, out);
      }
    });
  },
};

function validateStorageCapacity({ nodeTopology, storageClassName = "", capacity }: Capacity, out: Causes): void {
  validateSelector(nodeTopology, "nodeTopology", out);
  out.invalidEach("storageClassName", storageClassName, dns1123Subdomain(storageClassName));
  if (capacity !== undefined && nanos(capacity) < 0n) {
    out.invalid("capacity", canonicalQuantity(capacity), "must be greater than or equal to 0");
  }
}

export const volumeAttachment: Strategy = {
  statusKeeps: userMetadata,
  prepareCreate(object) {
    object["status"] = { attached: false };
  },
  validateCreate(object) {
    const { attacher, nodeName, source } = partOf<V1VolumeAttachmentSpec>(object, "spec");
    return causesOf((out) => {
      validateDriverName(attacher, "spec.attacher", out);
      const { persistentVolumeName: volume, inlineVolumeSpec: inline } = source ?? {};
      if (!inline && volume === undefined) {
        out.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
      }
      if (inline && volume) {
        out.forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
      }
      if (!inline && volume === "")
        out.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName");
      if (volume) out.invalidEach("spec.source.persistentVolumeName", volume, dns1123Subdomain(volume));
      out.invalidEach("spec.nodeName", nodeName ?? "", dns1123Subdomain(nodeName ?? ""));
    });
  },
  validateUpdate: (object, old) =>
    causesOf((out) => {
      if (!semanticEqual(object["spec"], old["spec"])) out.invalid("spec", object["spec"], "field is immutable");
    }),
};
