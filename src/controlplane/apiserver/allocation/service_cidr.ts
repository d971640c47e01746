/** The ServiceCIDR `kubernetes`: the ranges that the server was started with (KEP-1880, upstream's defaultservicecidr). */
import { randomUUID } from "node:crypto";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Store } from "../../store/store.ts";
import { builtIn } from "../resources/table.ts";
import { objectKey } from "../storage/keys.ts";
import { storedBytes } from "../storage/object_bytes.ts";
import { timestamp } from "../storage/timestamp.ts";

const name = "kubernetes";

/** Makes it where it is not there; one that says other ranges stays, for its owner to see. */
export async function ensureServiceCidr(store: Store, cidrs: readonly string[], nowMs: number): Promise<void> {
  if (cidrs.length === 0) return;
  const resource = builtIn.find((row) => row.plural === "servicecidrs")!;
  const now = timestamp(nowMs);
  const condition = {
    type: "Ready",
    status: "True",
    lastTransitionTime: now,
    reason: "",
    message: "Kubernetes default Service CIDR is ready",
  };
  const object = {
    kind: resource.kind,
    apiVersion: `${resource.group}/${resource.versions[0].version}`,
    metadata: { name, uid: randomUUID(), creationTimestamp: now },
    spec: { cidrs: [...cidrs] },
    status: { conditions: [condition] },
  };
  try {
    await store.create(objectKey(resource, undefined, name), storedBytes(object));
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code !== "STORE_EXISTS") throw error;
  }
}
