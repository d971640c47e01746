/** Every address of this machine, as the kernel tells of them, but for those that it has for Services. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RoutingPort } from "../../kernel/ports.ts";
import { parseIp, type IpAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { deviceName } from "../modes/ipvs/names.ts";

export interface NodeAddressesOptions {
  readonly routing: RoutingPort;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Waits before the addresses are read, or watched, again, in ms. */
const settleMs = 50;
const retryMs = 1000;

export class NodeAddresses {
  readonly #options: NodeAddressesOptions;
  #all: readonly IpAddress[] = [];
  #watch: { close(): void } | undefined;
  #serviceIndex: number | undefined;
  #isReading = false;
  #stale = false;
  #stopped = false;

  constructor(options: NodeAddressesOptions) {
    this.#options = options;
  }

  /** Sorted. */
  get all(): readonly IpAddress[] {
    return this.#all;
  }

  of(family: IpFamily): readonly IpAddress[] {
    return this.#all.filter((address) => familyOfIp(address) === family);
  }

  /** @throws FairleadError where they can be neither read nor watched */
  async start(): Promise<void> {
    await this.#follow();
    await this.#read();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.close();
  }

  async #follow(): Promise<void> {
    const watch = await this.#options.routing.watch(
      (event) => {
        if (event.event === "failed") void this.#again(event.error);
        else if (event.event === "overrun") this.#refresh();
        else if (event.object === "address" && event.value.index !== this.#serviceIndex) this.#refresh();
      },
      ["address"],
    );
    if (this.#stopped) watch.close();
    else this.#watch = watch;
  }

  async #again(error: unknown): Promise<void> {
    for (let cause = error; !this.#stopped;) {
      this.#options.onError(cause);
      await sleep(retryMs, undefined, { ref: false });
      try {
        await this.#follow();
        return this.#refresh();
      } catch (next) {
        cause = next;
      }
    }
  }

  /** Addresses come and go in groups: one reading for all. */
  #refresh(): void {
    this.#stale = true;
    if (!this.#isReading) void this.#readWhileStale();
  }

  async #readWhileStale(): Promise<void> {
    this.#isReading = true;
    while (this.#stale && !this.#stopped) {
      await sleep(settleMs, undefined, { ref: false });
      this.#stale = false;
      try {
        if (!this.#stopped && (await this.#read())) this.#options.onChange();
      } catch (error) {
        this.#stale = true;
        this.#options.onError(error);
        await sleep(retryMs, undefined, { ref: false });
      }
    }
    this.#isReading = false;
  }

  /** @returns whether they changed */
  async #read(): Promise<boolean> {
    const { routing } = this.#options;
    // Upstream's too: it has addresses by the ten thousand, and none of them is the node's.
    this.#serviceIndex = (await routing.link({ name: deviceName }))?.index;
    const listed = (await routing.addresses()).filter(({ index }) => index !== this.#serviceIndex);
    const texts = listed.flatMap(({ local, address }) => parseIp(local ?? address ?? "") ?? []);
    const all = [...new Set(texts)].sort();
    const changed = all.join() !== this.#all.join();
    this.#all = all;
    return changed;
  }
}
