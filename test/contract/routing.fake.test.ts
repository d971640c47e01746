import { describe } from "vitest";
import { FakeNetwork } from "../../src/kernel/fake/routing.ts";
import { describeRouting } from "./routing.ts";

describe("the fake's routing", () => {
  describeRouting(async () => {
    const network = new FakeNetwork();
    const elsewhere = network.createNamespace();
    const port = network.createNamespace().openRouting();
    const other = elsewhere.openRouting();
    return {
      port,
      other,
      otherFd: elsewhere.fd,
      close() {
        port.close();
        other.close();
      },
    };
  });
});
