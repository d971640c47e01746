import { statSync } from "node:fs";
import { namespaces } from "../../src/kernel/real/namespaces.ts";
import { describeNamespaces } from "./namespaces.ts";

describeNamespaces("real", () => {
  const inode = statSync("/proc/self/ns/net", { bigint: true }).ino;
  return { port: namespaces, process: { pid: process.pid, inode } };
});
