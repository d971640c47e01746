/** Which service ports other options make look otherwise: the others need not be rendered. Pure. */
import type { WantedPort } from "../../derive/derive.ts";
import type { IpvsOptions } from "./options.ts";

/** @returns undefined: none */
export function affectedBy(before: IpvsOptions, after: IpvsOptions): ((port: WantedPort) => boolean) | undefined {
  if (before.scheduler !== after.scheduler) return () => true;
  const schedulers = differing(before.lackingSchedulers, after.lackingSchedulers);
  const addresses = differing(localOf(before), localOf(after));
  const nodePorts = differing(before.nodePortAddresses, after.nodePortAddresses).size > 0;
  if (schedulers.size + addresses.size === 0 && !nodePorts) return undefined;
  return ({ scheduler, frontends }) =>
    (scheduler !== undefined && schedulers.has(scheduler)) ||
    frontends.some(({ address }) => (address === undefined ? nodePorts : addresses.has(address)));
}

/** The addresses that stay the node's, as render.ts has it. */
function localOf({ localAddresses, nodePortAddresses }: IpvsOptions): readonly string[] {
  return localAddresses ?? nodePortAddresses;
}

/** What one of them has and the other lacks. */
function differing(a: readonly string[], b: readonly string[]): ReadonlySet<string> {
  const [first, second] = [new Set(a), new Set(b)];
  return new Set([...a.filter((one) => !second.has(one)), ...b.filter((one) => !first.has(one))]);
}
