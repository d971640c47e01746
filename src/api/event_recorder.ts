/** Events about objects, as `kubectl describe` shows them (client-go, tools/record). */
import type { KubeObject } from "../model/kubernetes.ts";

export type EventType = "Normal" | "Warning";

/** What an Event is about: the object, or its reference where the object is not at hand. */
export type EventSubject = KubeObject | ObjectReference;

export interface ObjectReference extends Pick<KubeObject, "apiVersion" | "kind"> {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  /** The part of the object that it is about: "spec.containers{web}". */
  readonly fieldPath?: string;
}

export interface EventRecorder {
  /**
   * Never waits and never fails: what cannot be written in time is dropped.
   *
   * @param reason upstream's, in CamelCase
   */
  event(about: EventSubject, type: EventType, reason: string, message: string): void;
}
