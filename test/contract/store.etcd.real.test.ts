import { afterAll, beforeAll, describe } from "vitest";
import { EtcdStore } from "../../src/controlplane/store/etcd/etcd_store.ts";
import { startEtcd, type Etcd } from "../fixtures/etcd.ts";
import { describeStore } from "./store.ts";

let etcd: Etcd;
let count = 0;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd.stop());

describe("the store on etcd", () => {
  // A prefix each, and the revision is the whole cluster's: what the contract says holds all the same.
  describeStore(() => Promise.resolve(new EtcdStore({ endpoints: [etcd.endpoint], prefix: `/t${count++}` })));
});
