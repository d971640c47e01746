/** Admission: plug-ins that may change an object that is written, then those that may refuse it. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { User } from "../context.ts";
import type { ApiObject, Resource } from "../resources/resource.ts";

export interface AdmissionRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The object to write; a mutating plug-in changes it in place. Undefined for DELETE. */
  readonly object: ApiObject | undefined;
  readonly old: ApiObject | undefined;
  readonly user: User;
  readonly dryRun: boolean;
  readonly warnings: string[];
}

/** What a plug-in has set aside for a write that is about to happen. */
export interface Reservation {
  /** The write is durable. */
  keep(): Promise<void>;
  /** The write did not happen. */
  release(): Promise<void>;
}

/** @throws ApiError (403 mostly) from any method to refuse */
export interface AdmissionPlugin {
  readonly name: string;
  admit?(request: AdmissionRequest): Promise<void> | void;
  validate?(request: AdmissionRequest): Promise<void> | void;
  /**
   * The last before the write of an object that is valid: sets aside what no two objects may have
   * (addresses, ports) and writes it into the object. Of deletions, those alone that remove.
   */
  reserve?(request: AdmissionRequest): Promise<Reservation | undefined>;
}

/** Plug-ins in their order. Webhooks take their place here: mutating ones behind `admit`, the others behind `validate`. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) await plugin.admit?.(request);
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.#plugins) await plugin.validate?.(request);
  }

  /** Writes with what the plug-ins reserve for it; what they reserved goes back where the write surely did not happen. */
  async reserving<T>(request: AdmissionRequest, write: () => Promise<T>): Promise<T> {
    const reservations: Reservation[] = [];
    let result: T;
    try {
      for (const plugin of this.#plugins) {
        const reservation = await plugin.reserve?.(request);
        if (reservation) reservations.unshift(reservation);
      }
      result = await write();
    } catch (error) {
      if (surelyFailed(error)) for (const reservation of reservations) await reservation.release();
      throw error;
    }
    for (const reservation of reservations) await reservation.keep();
    return result;
  }
}

/** A store that could not be reached may have written all the same: what was reserved for that is found later. */
function surelyFailed(error: unknown): boolean {
  return !(error instanceof FairleadError) || error.code !== "STORE_UNAVAILABLE";
}
