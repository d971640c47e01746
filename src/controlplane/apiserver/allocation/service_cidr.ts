/** The ServiceCIDR `kubernetes`: the ranges that the server was started with (KEP-1880, upstream's defaultservicecidr). */
import { randomUUID } from "node:crypto";
import type { V1ServiceCIDRSpec, V1ServiceCIDRStatus } from "@kubernetes/client-node";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Store } from "../../store/store.ts";
import type { ApiObject } from "../resources/resource.ts";
import { builtIn } from "../resources/table.ts";
import { objectKey } from "../storage/keys.ts";
import { parseObject, storedBytes } from "../storage/object_bytes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { ensurePart, partOf } from "../validation/json.ts";

const name = "kubernetes";

const message = "Kubernetes default Service CIDR is ready";

/**
 * Makes it where it is not there. One of a single range gets the second where the server has it first too, and one
 * that says what the server was told and nothing of itself is ready; any other stays as it is, for its owner to see.
 */
export async function ensureServiceCidr(store: Store, cidrs: readonly string[], nowMs: number): Promise<void> {
  if (cidrs.length === 0) return;
  const resource = builtIn.find((row) => row.plural === "servicecidrs")!;
  const key = objectKey(resource, undefined, name);
  const now = timestamp(nowMs);
  const object: ApiObject = {
    kind: resource.kind,
    apiVersion: `${resource.group}/${resource.versions[0].version}`,
    metadata: { name, uid: randomUUID(), creationTimestamp: now },
    spec: { cidrs: [...cidrs] },
    status: { conditions: [readyCondition(now)] },
  };
  try {
    await store.create(key, storedBytes(object));
  } catch (error) {
    if (!isCode(error, "STORE_EXISTS")) throw error;
    await amendServiceCidr(store, key, cidrs, now);
  }
}

async function amendServiceCidr(store: Store, key: string, cidrs: readonly string[], now: string): Promise<void> {
  const item = await store.get(key);
  if (!item) return;
  const object = parseObject(item.value);
  if (object.metadata.deletionTimestamp !== undefined) return;
  const had = partOf<V1ServiceCIDRSpec>(object, "spec").cidrs ?? [];
  const isGrown = cidrs.length === 2 && had.length === 1 && had[0] === cidrs[0];
  if (!isGrown && had.join() !== cidrs.join()) return;
  const status = ensurePart<V1ServiceCIDRStatus>(object, "status");
  const conditions = status.conditions ?? [];
  if (!isGrown && conditions.some(({ type }) => type === "Ready")) return;
  object["spec"] = { cidrs: [...cidrs] };
  if (!conditions.some(({ type }) => type === "Ready")) status.conditions = [...conditions, readyCondition(now)];
  // Another server that starts may have been first.
  await store.update(key, storedBytes(object), item.modRevision, {}).catch((error: unknown) => {
    if (!isCode(error, "STORE_CONFLICT")) throw error;
  });
}

function readyCondition(now: string) {
  return { type: "Ready", status: "True", lastTransitionTime: now, reason: "", message };
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof FairleadError && error.code === code;
}
