import { FakeNamespaces } from "../../src/kernel/fake/namespaces.ts";
import { describeNamespaces } from "./namespaces.ts";

describeNamespaces("fake", () => {
  const process = { pid: 42, inode: 4_026_531_840n };
  return { port: new FakeNamespaces({ processes: new Map([[process.pid, process.inode]]) }), process };
});
