import { native } from "../../src/kernel/native.ts";
import { openGenericNetlink } from "../../src/kernel/real/generic_netlink.ts";
import { describeGenericNetlink } from "./generic_netlink.ts";

describeGenericNetlink("real", async () => {
  const namespace = await native().createNamespace();
  const port = await openGenericNetlink({ namespace });
  return {
    port,
    close() {
      port.close();
      namespace.close();
      return Promise.resolve();
    },
  };
});
