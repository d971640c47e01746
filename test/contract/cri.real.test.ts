/** The contract on containerd. */
import path from "node:path";
import { openRuntime } from "../../src/kubelet/cri/grpc_runtime.ts";
import { startContainerd } from "../fixtures/containerd.ts";
import { runtimeContract } from "./cri.ts";

runtimeContract(async () => {
  const containerd = await startContainerd();
  const runtime = openRuntime({ endpoint: containerd.endpoint, timeoutMs: 30_000 });
  return {
    runtime,
    image: containerd.image,
    cgroupRoot: containerd.cgroupRoot,
    logFolder: path.join(containerd.folder, "logs"),
    async stop() {
      runtime.close();
      await containerd.stop();
    },
  };
});
