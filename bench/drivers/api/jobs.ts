/** What a load process does for a driver, as the two tell each other: plain data over IPC. */
import type { MixedJob, Verb } from "./mixed.ts";
import type { ObjectKind } from "./objects.ts";
import type { Target } from "./system.ts";

export type Job =
  | {
      /** Creates `count` objects by `clients` connections, one request at a time each. */
      readonly job: "create";
      readonly kind: ObjectKind;
      readonly prefix: string;
      readonly count: number;
      readonly clients: number;
      readonly bytes: number;
      /** Creates a second at the most; 0: as fast as answers come. */
      readonly rate: number;
      /** Puts the time of the sending into each object, for watchers that measure. */
      readonly stamped: boolean;
    }
  | { readonly job: "list"; readonly path: string; readonly count: number; readonly clients: number }
  /** Opens watches and answers when all are open; the events are reported by "watched". */
  | { readonly job: "watch"; readonly path: string; readonly watchers: number }
  | ({ readonly job: "mixed" } & MixedJob)
  /** Waits until each watch has seen `events` since the last report. */
  | { readonly job: "watched"; readonly events: number };

export interface JobResult {
  readonly ms: number;
  /** Processor time of the load process. */
  readonly cpuMs: number;
  /** Of one request, or of one event from the sending of its write, in ms. */
  readonly p50: number;
  readonly p99: number;
  /** Bodies' bytes. */
  readonly bytes: number;
  /** Of a mixed load, by what was done. */
  readonly verbs?: Readonly<Record<Verb, { readonly count: number; readonly p50: number; readonly p99: number }>>;
}

export interface JobMessage {
  readonly target: Target;
  readonly job: Job;
}

export type JobAnswer = { readonly result: JobResult } | { readonly error: string };
