/** What probes cost the kubelet's process, whatever they ask for: the server that answers is another's. */
import { execFile } from "node:child_process";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import type { Driver } from "../../driver.ts";
import { figure } from "../api/measured.ts";

export interface ProbeParameters {
  readonly [name: string]: number;
  /** Each once a second. */
  readonly probes: number;
  readonly seconds: number;
}

const run = promisify(execFile);

interface Answer {
  readonly cpuMs: number;
  readonly ms: number;
  readonly probes: number;
  readonly failed: number;
}

export const probeDrivers = ["http", "tcp"].map((kind): Driver<ProbeParameters> => ({
  name: kind,
  what: `${kind === "http" ? "httpGet" : "tcpSocket"}, a connection each`,
  async prepare({ probes, seconds }, cleanup) {
    const server = http.createServer((_, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup.add(() => server.close());
    const { port } = server.address() as AddressInfo;
    const script = path.resolve("dist/bench/drivers/pods/probe_process.js");
    return async () => {
      const args = [script, kind, ...[probes, seconds, port].map(String)];
      const { stdout } = await run(process.execPath, args, { timeout: (seconds + 60) * 1000 });
      const { cpuMs, ms, probes: done, failed } = JSON.parse(stdout) as Answer;
      return {
        figures: {
          cpu: figure((cpuMs / ms) * 100, "% of a core"),
          "cpu per probe": figure((cpuMs / (done + failed)) * 1000, "µs"),
          rate: figure((done / ms) * 1000, "1/s"),
          failed: figure(failed, ""),
        },
      };
    };
  },
}));
