import { describe } from "vitest";
import { native } from "../../src/kernel/native.ts";
import { openRouting } from "../../src/kernel/real/routing.ts";
import { describeRouting } from "./routing.ts";

describe("the kernel's routing", () => {
  describeRouting(async () => {
    const namespace = await native().createNamespace();
    const elsewhere = await native().createNamespace();
    const port = await openRouting({ namespace });
    const other = await openRouting({ namespace: elsewhere });
    return {
      port,
      other,
      otherFd: elsewhere.fd,
      close() {
        for (const handle of [port, other, namespace, elsewhere]) handle.close();
      },
    };
  });
});
