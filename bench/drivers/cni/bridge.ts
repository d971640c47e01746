/** The rival of `cni-add`: containernetworking's bridge with host-local and masquerading, as Debian builds them. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Driver } from "../../driver.ts";
import { missingProgram, scratchFolder } from "../../namespace.ts";
import { freshNode, measureCalls, subnet, type CniParameters } from "./plan.ts";

const folder = "/usr/lib/cni";
const program = path.join(folder, "bridge");

export const bridgeCni: Driver<CniParameters> = {
  name: "bridge + host-local",
  what: "containernetworking's plugins of Debian, which run iptables to masquerade",
  missing: () => (existsSync(program) ? missingProgram("iptables") : `no ${program}`),
  async prepare(parameters, cleanup) {
    const dataDir = scratchFolder(cleanup);
    const node = await freshNode(cleanup);
    const ipam = { type: "host-local", ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }], dataDir };
    const config = {
      cniVersion: "1.0.0",
      name: "bench",
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam,
    };
    return () => measureCalls({ node, program, folder, config }, parameters);
  },
};
