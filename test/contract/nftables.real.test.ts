import { FakeNftables } from "../../src/kernel/fake/nftables.ts";
import { native } from "../../src/kernel/native.ts";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import { describeNftables } from "./nftables.ts";

describeNftables(
  "real",
  async () => {
    const namespace = await native().createNamespace();
    const port = await RealNftables.open(namespace);
    return {
      port,
      close() {
        port.close();
        namespace.close();
        return Promise.resolve();
      },
    };
  },
  () => new FakeNftables(),
);
