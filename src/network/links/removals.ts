/**
 * Takes links away, those that come at the same time together: the kernel waits for every reader of its tables (RCU,
 * some 20 ms) once for a message that deletes, however many links that means.
 */
import type { RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import { goingLinkGroup } from "./names.ts";

const noDevice = 19;

interface Waiting {
  readonly name: string;
  readonly gone: () => void;
  readonly failed: (error: Error) => void;
}

export class LinkRemovals {
  readonly #port: RoutingPort;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** @param port of nothing else: what is asked of it behind a deletion would wait as long */
  constructor(port: RoutingPort) {
    this.#port = port;
  }

  /** One that is not there is gone already. @throws FairleadError NETLINK_REFUSED */
  remove(name: string): Promise<void> {
    return new Promise((gone, failed) => {
      this.#waiting.push({ name, gone, failed });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#removeAll(batch.map(({ name }) => name));
        for (const { gone } of batch) gone();
      } catch (error) {
        for (const { failed } of batch) failed(error as Error);
      }
    }
    this.#isRunning = false;
  }

  async #removeAll(names: readonly string[]): Promise<void> {
    if (names.length > 1) {
      const together: RoutingChange[] = [
        ...names.map((name) => ({ verb: "change", object: "link", value: { name, group: goingLinkGroup } }) as const),
        { verb: "delete", object: "link", value: { group: goingLinkGroup } },
      ];
      const outcomes = await this.#port.apply(together);
      if (outcomes.every((outcome) => outcome === null || outcome.errno === noDevice)) return;
    }
    // One, or the group has something else in it: each by itself.
    for (const name of names) {
      const [refused] = await this.#port.apply([{ verb: "delete", object: "link", value: { name } }]);
      if (refused && refused.errno !== noDevice) throw refused;
    }
  }
}
