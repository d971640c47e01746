/** What our ipvs mode leaves beside chains: virtual servers, addresses and sets. A kube-proxy's stay. */
import { removeServiceAddresses } from "../apply/service_addresses.ts";
import { isOurs, serversOf } from "../modes/ipvs/remains.ts";
import { setNames } from "../modes/ipvs/sets.ts";
import type { IpvsModePorts } from "../takeover/ipvs_mode.ts";

/**
 * Behind the chains, which use the sets.
 *
 * @returns in words what there was; @throws FairleadError where the kernel refuses
 */
export async function removeOwnIpvs({ ipset, ipvs, routing }: IpvsModePorts): Promise<readonly string[]> {
  if (!ipset) return [];
  const sets = (await ipset.list()).filter(({ name }) => setNames.has(name));
  if (!isOurs(sets)) return [];
  // Addresses first: nothing comes any more to what is there without them.
  await removeServiceAddresses(routing);
  const servers = serversOf(sets, (await ipvs?.services()) ?? []);
  await ipvs?.apply(servers.map((service) => ({ verb: "deleteService", service })));
  const errors = await ipset.apply(sets.map(({ name: set }) => ({ verb: "destroy", set })));
  const failed = errors.find((error) => error !== null);
  if (failed) throw failed;
  return [`${servers.length} virtual servers and ${sets.length} ipsets of the ipvs mode`];
}
