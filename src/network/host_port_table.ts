/** Host ports where no proxy runs: a table of their own in each family, as the proxy's mode nftables renders it. */
import type { Address } from "../kernel/netlink/rtnetlink/address.ts";
import type { NftablesPort, RoutingEvent, RoutingPort } from "../kernel/ports.ts";
import type { IpAddress } from "../model/address.ts";
import { familyOfIp } from "../model/cidr.ts";
import type { IpFamily } from "../model/service.ts";
import { NftablesTable } from "../proxy/apply/nftables.ts";
import type { WantedPort } from "../proxy/derive/derive.ts";
import { Ruleset } from "../proxy/modes/nftables/ruleset.ts";
import type { HostPorts } from "./host_ports.ts";

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
const tableName = "fairlead-hostports";
/** Upstream has 14 (kube-proxy) and 15 (kubelet). */
const masqueradeBit = 13;

interface FamilyTable {
  readonly ruleset: Ruleset;
  readonly table: NftablesTable;
  /** Whether the kernel's table is known: until then it is observed rather than changed. */
  isKnown: boolean;
  running: Promise<void>;
  next: Promise<void> | undefined;
}

export class HostPortTable implements HostPorts {
  readonly #routing: RoutingPort;
  readonly #tables: Readonly<Record<IpFamily, FamilyTable>>;
  #watch: { close(): void } | undefined;
  #reading: Promise<void> = Promise.resolve();
  #nextReading: Promise<void> | undefined;

  private constructor(nftables: NftablesPort, routing: RoutingPort) {
    this.#routing = routing;
    this.#tables = { IPv4: makeTable(nftables, "IPv4"), IPv6: makeTable(nftables, "IPv6") };
  }

  /** Follows the node's addresses, of which each serves what is mapped at every address. */
  static async open(nftables: NftablesPort, routing: RoutingPort): Promise<HostPortTable> {
    const opened = new HostPortTable(nftables, routing);
    for (const family of families) await opened.#tables[family].table.adopt();
    opened.#watch = await routing.watch((event) => opened.#onEvent(event), ["address"]);
    await opened.#readAddresses();
    return opened;
  }

  async set(owner: string, family: IpFamily, wanted: WantedPort | undefined): Promise<void> {
    this.#tables[family].ruleset.set(owner, wanted);
    await this.#flush(family);
  }

  async settle(): Promise<void> {
    for (const family of families) {
      const { table } = this.#tables[family];
      if (this.#tables[family].ruleset.sets.size > 0 && this.#wants(family)) await this.#flush(family);
      else await table.remove();
    }
  }

  close(): void {
    this.#watch?.close();
  }

  /** Each pod's link comes and goes with addresses that are not the node's: their scope is smaller. */
  #onEvent(event: RoutingEvent): void {
    const isAddress = "object" in event && event.object === "address" && isServed(event.value);
    // A failure shows with the next mapping, which tries again.
    if (isAddress || event.event === "overrun") void this.#refreshAddresses().catch(() => undefined);
  }

  /** Addresses come and go in groups: what comes while they are read is read with one more reading. */
  #refreshAddresses(): Promise<void> {
    this.#nextReading ??= this.#reading.then(() => {
      this.#nextReading = undefined;
      const read = this.#readAddresses();
      this.#reading = read.catch(() => undefined);
      return read;
    });
    return this.#nextReading;
  }

  #wants(family: IpFamily): boolean {
    return [...this.#tables[family].ruleset.sets].some(
      ([set, elements]) => set !== "nodeport-addresses" && elements.size > 0,
    );
  }

  async #readAddresses(): Promise<void> {
    const all = await this.#routing.addresses();
    const addresses = all
      .filter(isServed)
      .flatMap(({ local, address }) => ((local ?? address) ? [(local ?? address) as IpAddress] : []));
    for (const family of families) {
      const { ruleset, isKnown } = this.#tables[family];
      ruleset.setNodePortAddresses(addresses.filter((one) => familyOfIp(one) === family));
      // Before the first mapping there is no table.
      if (isKnown) await this.#flush(family);
    }
  }

  /** Changes that come while others are written go together in the next transaction. */
  #flush(family: IpFamily): Promise<void> {
    const state = this.#tables[family];
    state.next ??= state.running.then(() => {
      state.next = undefined;
      const written = write(state);
      state.running = written.catch(() => undefined);
      return written;
    });
    return state.next;
  }
}

function isServed({ scope }: Address): boolean {
  return scope === "universe";
}

async function write(state: FamilyTable): Promise<void> {
  if (state.isKnown) await state.table.sync();
  else await state.table.repair();
  state.isKnown = true;
}

function makeTable(nftables: NftablesPort, family: IpFamily): FamilyTable {
  const ruleset = new Ruleset({
    family,
    table: tableName,
    masqueradeMark: 1 << masqueradeBit,
    local: { mode: "none" },
    nodePortAddresses: [],
    serviceCidrs: [],
  });
  return {
    ruleset,
    table: new NftablesTable(nftables, ruleset),
    isKnown: false,
    running: Promise.resolve(),
    next: undefined,
  };
}
