/** What every mode's apply does alike: it writes changes, and observes where nobody knows what was carried out. */
import { FairleadError } from "../../errors/catalogue.ts";

/** How often all is observed and planned anew in one call, when others change it meanwhile. */
const repairAttempts = 3;

/** @template S steps of one write */
export interface RulesWriter<S> {
  /** Steps of what changed. From here on what changes is another change. */
  changes(): S | Promise<S>;
  /** Steps of what the kernel holds otherwise than it should: it is observed. From then on what changes is another change. */
  differences(): Promise<S>;
  lengthOf(steps: S): number;
  /** @throws FairleadError: some, none or all of them may be carried out */
  write(steps: S): Promise<void>;
}

export class KeptRules<S> {
  readonly #writer: RulesWriter<S>;
  /** What the kernel holds is not known: an answer that was lost says nothing of what was carried out. */
  #unsure: boolean;

  /** @param unsure whether even the first sync must observe */
  constructor(writer: RulesWriter<S>, { unsure }: { readonly unsure: boolean }) {
    this.#writer = writer;
    this.#unsure = unsure;
  }

  /**
   * Writes what changed. Where that is refused the kernel does not hold what it was taken to: it is observed, and
   * brought to what is wanted.
   *
   * @returns steps that were carried out
   * @throws FairleadError: nothing is lost, the next call tries again
   */
  async sync(): Promise<number> {
    if (this.#unsure) return this.repair();
    try {
      return await this.#write(await this.#writer.changes());
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      return this.repair();
    }
  }

  /** Observes everything and corrects what is not as it should be: at the start, and when somebody changed it. */
  async repair(): Promise<number> {
    this.#unsure = true;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(await this.#writer.differences());
      } catch (error) {
        if (!(error instanceof FairleadError) || attempt === repairAttempts) throw error;
      }
    }
  }

  async #write(steps: S): Promise<number> {
    const length = this.#writer.lengthOf(steps);
    this.#unsure = true;
    if (length > 0) await this.#writer.write(steps);
    this.#unsure = false;
    return length;
  }
}
