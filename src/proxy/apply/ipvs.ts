/** Keeps one family's virtual servers, sets, rules and addresses as their ruleset wants them. */
import type { FairleadError } from "../../errors/catalogue.ts";
import type { IpsetPort, IptablesPort, IpvsPort } from "../../kernel/ports.ts";
import type { IpvsServiceKey, IpvsServiceWithDestinations } from "../../kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../kernel/netlink/ipvs/step.ts";
import type { ServerCount } from "../../model/server_count.ts";
import type { FrontendCount } from "../../model/service.ts";
import { paced } from "../../reconcile/pace.ts";
import { countsOf, serverCountsOf } from "../modes/ipvs/counts.ts";
import { isOtherwise, lacksDestinations } from "../modes/ipvs/lost.ts";
import { lengthOf, planAll, planChanges, type Observed, type Stage } from "../modes/ipvs/plan.ts";
import type { Ruleset } from "../modes/ipvs/ruleset.ts";
import { restoreInput } from "../modes/shared/iptables_edits.ts";
import type { IptablesReport } from "./iptables.ts";
import { hasCanaries, observeTables } from "./iptables_tables.ts";
import { KeptRules } from "./kept_rules.ts";
import type { ServiceAddresses } from "./service_addresses.ts";
import { Terminations } from "./terminations.ts";

export interface IpvsPorts {
  readonly ipvs: IpvsPort;
  readonly ipset: IpsetPort;
  /** Of the family. */
  readonly iptables: IptablesPort;
  readonly addresses: ServiceAddresses;
}

export interface IpvsServersOptions {
  /** Wall time in ms. */
  readonly now: () => number;
  readonly report?: Pick<IptablesReport, "restoreFailed"> | undefined;
  /** Told of a scheduler that Services name and this kernel lacks. */
  readonly onLackingScheduler?: (scheduler: string) => void;
}

type Executors = { readonly [W in Stage["what"]]: (stage: Extract<Stage, { what: W }>) => Promise<void> };

const ENOENT = 2;
/** Whose destinations are looked at in one go: each is a request. */
const serversPerLook = 200;

export class IpvsServers {
  readonly #ports: IpvsPorts;
  readonly #ruleset: Ruleset;
  readonly #options: IpvsServersOptions;
  readonly #kept: KeptRules<readonly Stage[]>;
  readonly #terminations: Terminations;
  /** Servers whose destinations were looked at, in this round. */
  #looked = 0;
  /** What is under way: destinations that ended are removed between two writes. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param ruleset of nothing else than this object */
  constructor(ports: IpvsPorts, ruleset: Ruleset, options: IpvsServersOptions) {
    this.#ports = ports;
    this.#ruleset = ruleset;
    this.#options = options;
    this.#terminations = new Terminations(ports.ipvs, ruleset.ending, options.now);
    this.#kept = new KeptRules(
      {
        changes: () => paced(planChanges(ruleset)),
        differences: () => this.#differences(),
        lengthOf: (stages) => stages.reduce((sum, stage) => sum + lengthOf(stage), 0),
        write: (stages) => this.#write(stages),
      },
      { unsure: true },
    );
  }

  /** Names are shared with whatever kube-proxy was here: the first sync must know every Service. */
  adopt(): Promise<boolean> {
    return Promise.resolve(true);
  }

  sync(): Promise<number> {
    return this.#inTurn(() => this.#kept.sync());
  }

  repair(): Promise<number> {
    return this.#inTurn(() => this.#kept.repair());
  }

  /** Removes destinations whose connections have ended, or have had their time. @returns how many go on */
  terminate(): Promise<number> {
    return this.#inTurn(() => this.#terminations.check());
  }

  hasCanaries(): Promise<boolean> {
    return hasCanaries(this.#ports.iptables);
  }

  /**
   * Whether nobody has taken servers or addresses away, or put some there, nor taken destinations of some servers: the next time
   * those of the next ones are looked at. Upstream looks at all of it each syncPeriod.
   */
  isAsLeft(): Promise<boolean> {
    return this.#inTurn(async () => {
      const keys = this.#nextKeys();
      // Without a server there is nothing to lose, and what is not written yet is no loss.
      return keys.length === 0 || !(await this.#isOtherwise(keys)) || !this.#ruleset.isClean;
    });
  }

  async #isOtherwise(keys: readonly IpvsServiceKey[]): Promise<boolean> {
    const { ipvs, addresses } = this.#ports;
    const listed = { servers: await ipvs.services(), addresses: await addresses.list() };
    if (await paced(isOtherwise(this.#ruleset, listed))) return true;
    return lacksDestinations(this.#ruleset, await ipvs.list(keys));
  }

  #nextKeys(): readonly IpvsServiceKey[] {
    const servers = Array.from(this.#ruleset.servers.entries(), ([, { service }]) => service.key);
    const from = this.#looked < servers.length ? this.#looked : 0;
    this.#looked = from + serversPerLook;
    return servers.slice(from, from + serversPerLook);
  }

  /** What the kernel has counted of each frontend. */
  async counts(): Promise<readonly FrontendCount[]> {
    return paced(countsOf(this.#ruleset, await this.#ports.ipvs.services()));
  }

  /** What this family's virtual servers have counted. @param listed all that there are, with their destinations */
  serverCounts(listed: readonly IpvsServiceWithDestinations[]): Promise<readonly ServerCount[]> {
    return paced(serverCountsOf(this.#ruleset, listed));
  }

  async #differences(): Promise<readonly Stage[]> {
    const observed = await this.#observe();
    return paced(planAll(this.#ruleset, observed));
  }

  async #observe(): Promise<Observed> {
    const { ipvs, ipset, iptables, addresses } = this.#ports;
    const [servers, sets, bound] = [await ipvs.list(), await ipset.list(), await addresses.list()];
    return { servers, sets, addresses: bound, tables: await observeTables(iptables) };
  }

  async #write(stages: readonly Stage[]): Promise<void> {
    for (const stage of stages) {
      const execute = this.#executors[stage.what] as (stage: Stage) => Promise<void>;
      await execute(stage);
    }
    await this.#terminations.checkNew();
  }

  readonly #executors: Executors = {
    sets: async ({ steps }) => throwFirst(await this.#ports.ipset.apply(steps)),
    rules: async ({ sections }) => {
      try {
        await this.#ports.iptables.restore(restoreInput(sections));
      } catch (error) {
        this.#options.report?.restoreFailed(this.#ruleset.options.family, false);
        throw error;
      }
    },
    servers: async ({ steps }) => {
      const errors = await this.#ports.ipvs.apply(steps);
      this.#learnSchedulers(steps, errors);
      throwFirst(errors);
    },
    bind: ({ addresses }) => this.#ports.addresses.bind(addresses),
    unbind: ({ addresses }) => this.#ports.addresses.unbind(addresses),
  };

  /** One Service's scheduler that this kernel has not must hold up nobody: it is balanced as all others. */
  #learnSchedulers(steps: readonly IpvsStep[], errors: readonly (FairleadError | null)[]): void {
    const { options } = this.#ruleset;
    const { scheduler: common, lackingSchedulers } = options;
    const lacking = steps.flatMap((step, i) => {
      const isOfService = step.verb === "addService" || step.verb === "setService";
      return isOfService && errors[i]?.errno === ENOENT ? [step.service.scheduler] : [];
    });
    const learned = [...new Set(lacking)].filter((one) => one !== common && !lackingSchedulers.includes(one));
    if (learned.length === 0) return;
    for (const scheduler of learned) this.#options.onLackingScheduler?.(scheduler);
    this.#ruleset.configure({ ...options, lackingSchedulers: [...lackingSchedulers, ...learned] });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function throwFirst(errors: readonly (FairleadError | null)[]): void {
  const failed = errors.find((error) => error !== null);
  if (failed) throw failed;
}
