/**
 * Probes as a kubelet has them, of many containers, against one server: run by the driver, so that the processor time of
 * this process is that of probes. Arguments: kind, how many (each once a second), seconds, port. Answers with JSON.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RuntimeService } from "../../../src/kubelet/cri/runtime.ts";
import type { ObservedContainer } from "../../../src/kubelet/pods/observed.ts";
import { PodProbes, type ProbeDeps } from "../../../src/kubelet/probes/pod_probes.ts";
import { TimerWheel } from "../../../src/kubelet/probes/timer_wheel.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";

/** What the JIT compiles at first does not count, in ms. */
const warmUpMs = 3000;

const [kind = "", count = "0", seconds = "0", port = "0"] = process.argv.slice(2);
const handler =
  kind === "http" ? { httpGet: { path: "/", port: Number(port) } } : { tcpSocket: { port: Number(port) } };

const answers = { successful: 0, failed: 0, unknown: 0 };
const metrics = {
  worked: () => undefined,
  started: () => undefined,
  forgotten: () => undefined,
  probed: (_: unknown, result: keyof typeof answers) => void answers[result]++,
};
const deps: ProbeDeps = {
  runtime: {} as RuntimeService,
  clock: systemClock,
  wheel: new TimerWheel(systemClock),
  events: { event: () => undefined },
  metrics,
};

function begin(i: number): void {
  const livenessProbe = { ...handler, periodSeconds: 1, timeoutSeconds: 1 };
  const container = { name: "main", image: "", livenessProbe };
  const metadata = { name: `p${i}`, namespace: "default", uid: `u${i}` };
  const pod = { metadata, spec: { containers: [container] } } as unknown as Pod;
  // Spread over a second.
  const startedAtMs = systemClock.now() + (i / Number(count)) * 1000;
  const running = { id: `c${i}`, name: "main", state: "running", startedAtMs } as ObservedContainer;
  new PodProbes(deps, pod, () => undefined).sync(pod, [running], "127.0.0.1");
}

for (let i = 0; i < Number(count); i++) begin(i);
await sleep(warmUpMs);
const [before, usage, begun] = [{ ...answers }, process.cpuUsage(), performance.now()];
await sleep(Number(seconds) * 1000);
const { user, system } = process.cpuUsage(usage);
const result = {
  cpuMs: (user + system) / 1000,
  ms: performance.now() - begun,
  probes: answers.successful - before.successful,
  failed: answers.failed - before.failed + answers.unknown - before.unknown,
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
