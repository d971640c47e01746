import { native } from "../../src/kernel/native.ts";
import { openIpset } from "../../src/kernel/real/ipset.ts";
import { describeIpset } from "./ipset.ts";

describeIpset("real", async () => {
  const namespace = await native().createNamespace();
  const port = await openIpset({ namespace });
  return {
    port,
    close() {
      port.close();
      namespace.close();
      return Promise.resolve();
    },
  };
});
