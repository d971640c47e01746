import { native } from "../../src/kernel/native.ts";
import { newEntry } from "../../src/kernel/netlink/ctnetlink/messages.ts";
import { openConntrack } from "../../src/kernel/real/conntrack.ts";
import { NetlinkClient, netlinkProtocol } from "../../src/kernel/real/netlink_client.ts";
import { describeConntrack } from "./conntrack.ts";

describeConntrack("real", async () => {
  const namespace = await native().createNamespace();
  const client = await NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace });
  const port = await openConntrack({ namespace });
  return {
    port,
    async insert(entries) {
      const outcomes = await client.apply(entries.map(newEntry), (index) => `make entry ${index}`);
      for (const outcome of outcomes) if (outcome) throw outcome;
    },
    close() {
      port.close();
      client.close();
      namespace.close();
      return Promise.resolve();
    },
  };
});
