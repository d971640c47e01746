/** iptables in memory: what -restore --noflush takes is carried out, table by table, or refused. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { IptablesPort } from "../ports.ts";

type Chains = Map<string, string[]>;

const builtIn: Readonly<Record<string, readonly string[]>> = {
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

export class FakeIptables implements IptablesPort {
  readonly name: string;
  /** Inputs of all restores, the newest last. */
  readonly restored: string[] = [];
  readonly #tables = new Map<string, Chains>();

  constructor(name = "iptables-fake") {
    this.name = name;
    for (const [table, chains] of Object.entries(builtIn)) {
      this.#tables.set(table, new Map(chains.map((chain) => [chain, []])));
    }
  }

  async list(table: string, { counters = false } = {}): Promise<string> {
    const chains = this.#tables.get(table);
    if (!chains) throw refused(`no table ${table}`);
    const declared = [...chains.keys()].map((chain) => `:${chain} ${isBuiltIn(table, chain) ? "ACCEPT" : "-"} [0:0]`);
    const rules = [...chains].flatMap(([chain, list]) => list.map((rule) => `-A ${chain} ${rule}`));
    const printed = counters ? rules.map((rule) => `[0:0] ${rule}`) : rules;
    return Promise.resolve(`*${table}\n${[...declared, ...printed, "COMMIT", ""].join("\n")}`);
  }

  async save(): Promise<string> {
    const lists = await Promise.all([...this.#tables.keys()].map((table) => this.list(table)));
    return lists.join("");
  }

  async hasChain(table: string, chain: string): Promise<boolean> {
    return Promise.resolve(this.#tables.get(table)?.has(chain) ?? false);
  }

  /** Nothing of a table that is refused is carried out; what stood in front of it is. */
  async restore(input: string): Promise<void> {
    this.restored.push(input);
    let name = "";
    let chains: Chains = new Map();
    for (const line of input.split("\n")) {
      if (line === "" || line.startsWith("#")) continue;
      if (line.startsWith("*")) {
        name = line.slice(1);
        const table = this.#tables.get(name);
        if (!table) throw refused(line);
        chains = new Map([...table].map(([chain, rules]) => [chain, [...rules]]));
      } else if (line === "COMMIT") {
        checkJumps(chains);
        this.#tables.set(name, chains);
      } else carryOut(chains, line, name);
    }
    return Promise.resolve();
  }
}

function carryOut(chains: Chains, line: string, table: string): void {
  const declared = /^:(\S+) - \[0:0\]$/.exec(line)?.[1];
  if (declared !== undefined) {
    if (declared.length > 28 || isBuiltIn(table, declared)) throw refused(line);
    return void chains.set(declared, []);
  }
  const [, command, chain = "", rule = ""] = /^(-[AIDX]) (\S+)(?: (.*))?$/.exec(line) ?? [];
  const rules = chains.get(chain);
  if (!rules) throw refused(line);
  if (command === "-A") rules.push(rule);
  else if (command === "-I") rules.unshift(rule);
  else if (command === "-D") {
    const at = rules.indexOf(rule);
    if (at < 0) throw refused(line);
    rules.splice(at, 1);
  } else {
    if (rules.length > 0) throw refused(line);
    chains.delete(chain);
  }
}

/** A jump to a chain that is not there is refused, as is removing a chain that some jump to. */
function checkJumps(chains: Chains): void {
  for (const rules of chains.values()) {
    for (const rule of rules) {
      const target = / ?-j (KUBE-\S+)/.exec(rule)?.[1];
      if (target !== undefined && !chains.has(target)) throw refused(rule);
    }
  }
}

function isBuiltIn(table: string, chain: string): boolean {
  return builtIn[table]?.includes(chain) ?? false;
}

function refused(line: string): FairleadError {
  return new FairleadError("NATIVE_CALL", { subject: "run iptables-restore", reason: line });
}
