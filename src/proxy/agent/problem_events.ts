/** Events, and the log, of what of a Service cannot be served: once, as long as it stays so. */
import type { EventRecorder } from "../../api/event_recorder.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { Problem } from "../derive/problems.ts";
import type { Kept } from "./kept.ts";
import type { SyncObserver } from "./observer.ts";

/** Events of one Service at one time; an EndpointSlice of a thousand wrong endpoints needs no thousand. */
const maxEvents = 5;

export class ProblemEvents implements SyncObserver {
  readonly #recorder: EventRecorder;
  readonly #warn: (fields: object, message: string) => void;
  /** By the Service. */
  readonly #told = new Map<string, string>();

  constructor(recorder: EventRecorder, warn: (fields: object, message: string) => void) {
    this.#recorder = recorder;
    this.#warn = warn;
  }

  onService(
    key: string,
    service: Kept<Service> | undefined,
    _slices: readonly Kept<EndpointSlice>[],
    problems: readonly Problem[],
  ): void {
    if (!service || problems.length === 0) return void this.#told.delete(key);
    const text = problems.map(({ reason, message }) => `${reason} ${message}`).join();
    if (this.#told.get(key) === text) return;
    this.#told.set(key, text);
    for (const { reason, message } of problems.slice(0, maxEvents)) {
      this.#recorder.event(service.object, "Warning", reason, message);
      this.#warn({ service: key, reason }, message);
    }
  }
}
