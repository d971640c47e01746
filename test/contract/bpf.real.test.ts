import { native } from "../../src/kernel/native.ts";
import { openBpf } from "../../src/kernel/real/bpf.ts";
import { openRouting } from "../../src/kernel/real/routing.ts";
import { run } from "../fixtures/namespace.ts";
import { describeBpf } from "./bpf.ts";

describeBpf("bpf(2)", async () => {
  const namespace = await native().createNamespace();
  await run(namespace, ["ip", "link", "add", "left", "type", "veth", "peer", "name", "right"]);
  const routing = await openRouting({ namespace });
  const indexOf = async (name: string): Promise<number> => (await routing.link({ name }))!.index;
  return {
    port: openBpf({ namespace }),
    links: [await indexOf("left"), await indexOf("right")],
    removeLink: async (index) => void (await routing.apply([{ verb: "delete", object: "link", value: { index } }])),
    close() {
      routing.close();
      namespace.close();
    },
  };
});
