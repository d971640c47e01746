/** The contract on the runtime in memory. */
import { FakeRuntime } from "../fixtures/fake_runtime.ts";
import { runtimeContract } from "./cri.ts";

runtimeContract(async () => ({
  runtime: new FakeRuntime(),
  image: "localhost/busybox:test",
  cgroupRoot: "/test",
  logFolder: "/logs",
  stop: async () => undefined,
}));
