/** One certificate that is always good: read, asked for, and renewed in time (client-go, certificate_manager.go). */
import type { Client } from "../../api/client.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import { renewalMs, satisfies, type CertificateTemplate } from "./plan.ts";
import { signedCertificate, type SigningRequest } from "./request.ts";
import type { CertificateStore, HeldCertificate } from "./store.ts";

export interface CertificateManagerOptions {
  /** For what is said of it: "client", "serving". */
  readonly purpose: string;
  readonly store: CertificateStore;
  readonly signing: Pick<SigningRequest, "signerName" | "usages">;
  /** What is to be asked for now; undefined: that is not known yet. */
  readonly template: () => CertificateTemplate | undefined;
  /** Who asks, by what is held; undefined: nobody can. */
  readonly client: (held: HeldCertificate | undefined) => Client | undefined;
  /** A new key, and a request for its certificate, PEM. */
  readonly makeRequest: (template: CertificateTemplate) => Promise<{ readonly request: string; readonly key: string }>;
  /** false: it is asked for where there is none, and then left as it is. */
  readonly renews: boolean;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
  readonly onRenewed?: (lifeSeconds: number | undefined) => void;
}

/** Between two looks at what is asked for, in ms; and behind failures, doubled. */
const lookMs = 60_000;
const soonMs = 1000;
const retryMs = { first: 2000, longest: 32_000 };

export class CertificateManager {
  readonly #options: CertificateManagerOptions;
  readonly #chance = Math.random();
  readonly #abort = new AbortController();
  readonly #observers: (() => void)[] = [];
  readonly #waiting: (() => void)[] = [];
  #held: HeldCertificate | undefined;
  readonly #loop: Periodic;
  #failures = 0;

  constructor(options: CertificateManagerOptions) {
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#turn());
  }

  /** Resolves when what was there is read. */
  async start(): Promise<void> {
    const { store, purpose, onError } = this.#options;
    this.#held = await store.read().catch((error: unknown) => {
      onError(`read the ${purpose} certificate`, error);
      return undefined;
    });
    // Who waits for this is told of what was there first.
    this.#options.clock.after(0, () => void this.#loop.start());
  }

  stop(): void {
    this.#abort.abort();
    this.#loop.stop();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** What is held and has not ended. */
  current(): HeldCertificate | undefined {
    return this.#held && this.#held.notAfterMs > this.#options.clock.now() ? this.#held : undefined;
  }

  get notAfterMs(): number | undefined {
    return this.#held?.notAfterMs;
  }

  onChange(changed: () => void): void {
    this.#observers.push(changed);
  }

  /** Resolves when there is one, or the work on it ends. */
  async available(): Promise<void> {
    if (!this.current()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #turn(): Promise<number> {
    const { purpose, onError } = this.#options;
    try {
      if (this.#isDue()) await this.#renew();
      this.#failures = 0;
      return this.#nextLookMs();
    } catch (error) {
      if (!this.#abort.signal.aborted) onError(`get a ${purpose} certificate`, error);
      return Math.min(retryMs.longest, retryMs.first * 2 ** this.#failures++);
    }
  }

  #isDue(): boolean {
    const { template, renews, clock } = this.#options;
    const wanted = template();
    if (!wanted) return false;
    const held = this.current();
    if (!held) return true;
    return renews && (clock.now() >= renewalMs(held, this.#chance) || !satisfies(held, wanted));
  }

  #nextLookMs(): number {
    const { clock, renews } = this.#options;
    const held = this.current();
    if (!held) return soonMs;
    const dueMs = renews ? renewalMs(held, this.#chance) - clock.now() : lookMs;
    return Math.max(soonMs, Math.min(lookMs, dueMs));
  }

  async #renew(): Promise<void> {
    const { template, client, makeRequest, signing, store, clock, onRenewed } = this.#options;
    const before = this.#held;
    const wanted = template();
    const asking = client(this.current());
    if (!wanted || !asking) throw new Error("there is nobody who could ask for it");
    const { request, key } = await makeRequest(wanted);
    const certificate = await signedCertificate(asking, { ...signing, request }, { clock, signal: this.#abort.signal });
    this.#held = await store.write(certificate, key, clock.now());
    onRenewed?.(before && (clock.now() - before.notBeforeMs) / 1000);
    for (const changed of this.#observers) changed();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
