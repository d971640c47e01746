/** Events: stored as the core group has them, shown by events.k8s.io under its own names. */
import type { CoreV1Event } from "@kubernetes/client-node";
import type { ApiObject, Strategy, Version } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateImmutable } from "../validation/common.ts";
import { semanticEqual } from "../../../model/equality.ts";
import type { Json } from "../validation/json.ts";
import { qualifiedName } from "../validation/names.ts";

type Event = Json<Omit<CoreV1Event, "metadata">>;

/** The core group's name of a field, by that of events.k8s.io (pkg/apis/events/v1/conversion.go). */
const storedNames = {
  note: "message",
  regarding: "involvedObject",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
} as const;
const shownNames = Object.fromEntries(Object.entries(storedNames).map(([shown, stored]) => [stored, shown]));

function renamed(object: ApiObject, names: Readonly<Record<string, string>>): ApiObject {
  const entries = Object.entries(object).map(([field, value]): [string, unknown] => [names[field] ?? field, value]);
  return Object.fromEntries(entries) as ApiObject;
}

export const eventsV1: NonNullable<Version["convert"]> = {
  toStored: (object) => renamed(object, storedNames),
  fromStored: (object) => renamed(object, shownNames),
};

/** Of the core group: clients of old send what they like. */
export const event: Strategy = {
  dependents: "unsupported",
  validateCreate: (object) => causesOf((out) => validateEvent(object, out)),
  validateUpdate: (object) => causesOf((out) => validateEvent(object, out)),
};

const fixed = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
] as const;

/** Of events.k8s.io, which is stricter. */
export const strictEvent: Strategy = {
  dependents: "unsupported",
  validateCreate(object) {
    return causesOf((out) => {
      const made = object as Event;
      validateEvent(object, out);
      validateSeries(made, out);
      if (!made.eventTime) out.required("eventTime");
      const { type = "", firstTimestamp, lastTimestamp, count = 0, source } = made;
      if (type !== "Normal" && type !== "Warning") out.invalid("type", "", `has invalid value: ${type}`);
      const unset = "needs to be unset";
      if (firstTimestamp) out.invalid("firstTimestamp", "", unset);
      if (lastTimestamp) out.invalid("lastTimestamp", "", unset);
      if (count !== 0) out.invalid("count", "", unset);
      if (source?.component || source?.host) out.invalid("source", "", unset);
    });
  },
  validateUpdate(object, old) {
    return causesOf((out) => {
      validateEvent(object, out);
      if (!semanticEqual(object["series"], old["series"])) validateSeries(object, out);
      for (const field of fixed) validateImmutable(object[field], old[field], field, out);
      validateImmutable(object["reportingComponent"], old["reportingComponent"], "reportingController", out);
      validateImmutable(object["reportingInstance"], old["reportingInstance"], "reportingInstance", out);
    });
  },
};

function validateSeries({ series }: Event, out: Causes): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) out.invalid("series.count", "", "should be at least 2");
  if (!series.lastObservedTime) out.required("series.lastObservedTime");
}

/** Longest texts, in bytes. */
const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

function validateEvent(object: ApiObject, out: Causes): void {
  const made = object as Event;
  const about = made.involvedObject?.namespace ?? "";
  const namespace = object.metadata.namespace ?? "";
  const mismatch = (): void => out.invalid("involvedObject.namespace", about, "does not match event.namespace");
  if (!made.eventTime) {
    if (about === "" ? namespace !== "" && namespace !== "default" : about !== namespace) mismatch();
    return;
  }
  if (about === "" && namespace !== "default" && namespace !== "kube-system") mismatch();
  const controller = made.reportingComponent ?? "";
  if (controller === "") out.required("reportingController");
  out.invalidEach("reportingController", controller, qualifiedName(controller));
  for (const [field, most] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const text = made[field] ?? "";
    if (text === "" && field !== "message") out.required(field);
    if (Buffer.byteLength(text) > most) out.invalid(field, "", `can have at most ${most} characters`);
  }
}
