/** Volumes that were chosen for claims, and nodes that were chosen for claims' provisioning, until the API shows it. */
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

  bind(claim: string, volume: string): void {
    this.#claimOf.set(volume, claim);
    this.#volumeOf.set(claim, volume);
  }

  selectNode(claim: string, nodeName: string): void {
    this.#nodeOf.set(claim, nodeName);
  }

  forget(claim: string): void {
    const volume = this.#volumeOf.get(claim);
    if (volume !== undefined) this.#claimOf.delete(volume);
    this.#volumeOf.delete(claim);
    this.#nodeOf.delete(claim);
  }
}
