/** The address by which this machine is a node. */
import os from "node:os";
import { FairleadError } from "../errors/catalogue.ts";
import { nodeAddresses } from "../kubelet/node/addresses.ts";

/** @param before the address of the last start, which holds while the machine has it: it is in certificates and pods */
export async function nodeAddress(before: string | undefined): Promise<string> {
  const own = Object.values(os.networkInterfaces()).flatMap((links) => links ?? []);
  if (before !== undefined && own.some(({ address }) => address === before)) return before;
  const [address] = await nodeAddresses(undefined);
  if (address !== undefined) return address;
  const reason = "no link has an IPv4 address besides loopback's: give one, and name it by --node-ip";
  throw new FairleadError("UP_PREREQUISITE", { subject: "the node's address", reason });
}
