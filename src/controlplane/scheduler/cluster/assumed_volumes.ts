/** Volumes that were chosen for claims, and nodes that were chosen for claims' provisioning, until the API shows it. */
import type { VolumeStep } from "../framework/volume_steps.ts";

export class AssumedVolumes {
  /** Volume's name → namespace/claim. */
  readonly #claimOf = new Map<string, string>();
  /** namespace/claim → volume's name. */
  readonly #volumeOf = new Map<string, string>();
  /** namespace/claim → node's name. */
  readonly #nodeOf = new Map<string, string>();

  claimOf(volume: string): string | undefined {
    return this.#claimOf.get(volume);
  }

  volumeOf(claim: string): string | undefined {
    return this.#volumeOf.get(claim);
  }

  nodeOf(claim: string): string | undefined {
    return this.#nodeOf.get(claim);
  }

  assume(steps: readonly VolumeStep[]): void {
    for (const step of steps) {
      const claim = `${step.namespace}/${step.claim}`;
      if (step.type === "SelectNode") this.#nodeOf.set(claim, step.nodeName);
      else {
        this.#claimOf.set(step.volume, claim);
        this.#volumeOf.set(claim, step.volume);
      }
    }
  }

  forget(steps: readonly VolumeStep[]): void {
    for (const step of steps) {
      const claim = `${step.namespace}/${step.claim}`;
      if (step.type === "SelectNode") this.#nodeOf.delete(claim);
      else {
        this.#claimOf.delete(step.volume);
        this.#volumeOf.delete(claim);
      }
    }
  }
}
