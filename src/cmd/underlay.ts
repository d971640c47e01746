/** Joins the network between the nodes of this machine with its kernel. */
import { namespaces } from "../kernel/real/namespaces.ts";
import { RealNftables } from "../kernel/real/nftables.ts";
import { openRouting } from "../kernel/real/routing.ts";
import { Underlay } from "../up/nodes/underlay.ts";

export async function openUnderlay(): Promise<Underlay> {
  const routing = await openRouting();
  try {
    const nftables = await RealNftables.open();
    return new Underlay({
      ...{ routing, nftables, namespaces },
      openRouting: (namespace) => openRouting({ namespace }),
      close: () => {
        nftables.close();
        routing.close();
      },
    });
  } catch (error) {
    routing.close();
    throw error;
  }
}
