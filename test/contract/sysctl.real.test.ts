import { native } from "../../src/kernel/native.ts";
import { openSysctl } from "../../src/kernel/real/sysctl.ts";
import { run } from "../fixtures/namespace.ts";
import { describeSysctl } from "./sysctl.ts";

describeSysctl("real", async () => {
  const namespace = await native().createNamespace();
  await run(namespace, ["ip", "link", "add", "eth0.100", "type", "veth", "peer", "name", "peer0"]);
  return { port: openSysctl({ namespace }), close: () => namespace.close() };
});
