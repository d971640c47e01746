/** Nodes that wait to be emptied, by zone, each zone at its own rate (upstream: scheduler.RateLimitedTimedQueue). */

interface Zone {
  readonly nodes: Set<string>;
  perSecond: number;
  /** What may be taken; at most one. */
  tokens: number;
  countedMs: number;
}

export class EvictionQueues {
  readonly #zones = new Map<string, Zone>();
  readonly #initialRate: number;

  /** @param initialRate nodes a second of a zone that nothing is known of */
  constructor(initialRate: number) {
    this.#initialRate = initialRate;
  }

  get isEmpty(): boolean {
    return [...this.#zones.values()].every(({ nodes }) => nodes.size === 0);
  }

  add(zone: string, node: string, nowMs: number): void {
    this.#zone(zone, nowMs).nodes.add(node);
  }

  remove(node: string): void {
    for (const { nodes } of this.#zones.values()) nodes.delete(node);
  }

  setRate(zone: string, perSecond: number, nowMs: number): void {
    const known = this.#zone(zone, nowMs);
    refill(known, nowMs);
    known.perSecond = perSecond;
  }

  /** Takes what may go now, oldest first. */
  take(nowMs: number): readonly string[] {
    const taken: string[] = [];
    for (const zone of this.#zones.values()) {
      refill(zone, nowMs);
      for (const node of zone.nodes) {
        if (zone.perSecond === 0 || zone.tokens < 1) break;
        zone.tokens--;
        zone.nodes.delete(node);
        taken.push(node);
      }
    }
    return taken;
  }

  #zone(name: string, nowMs: number): Zone {
    let zone = this.#zones.get(name);
    if (!zone) {
      zone = { nodes: new Set(), perSecond: this.#initialRate, tokens: 1, countedMs: nowMs };
      this.#zones.set(name, zone);
    }
    return zone;
  }
}

function refill(zone: Zone, nowMs: number): void {
  zone.tokens = Math.min(1, zone.tokens + (zone.perSecond * Math.max(0, nowMs - zone.countedMs)) / 1000);
  zone.countedMs = nowMs;
}
