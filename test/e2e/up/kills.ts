/** kill -9 of whatever `fairlead up` runs, while the cluster has work to do. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { eventually } from "../../fixtures/eventually.ts";
import { seededRandom } from "../../fixtures/fuzz/random.ts";
import { seed } from "../../fixtures/seed.ts";
import type { SteadyLoadReport } from "../../fixtures/steady_load.ts";
import { workbench } from "../../fixtures/up_images.ts";
import type { UpCluster } from "../../fixtures/up_cluster.ts";
import { program } from "../../fixtures/up_program.ts";
import { UpPlace } from "../../fixtures/up_place.ts";
import type { WriteLoadReport } from "../../fixtures/write_load_program.ts";

const rounds = process.env["FAIRLEAD_LONG"] === "1" ? 50 : 3;
/** A part that ends again and again is started later each time: up to 30 s. */
const backMs = 90_000;
const perSecond = 50;
const longest = 24 * 3600;

interface Running {
  readonly parts: readonly { readonly name: string; readonly process?: { readonly pid: number } }[];
  readonly supervisor?: { readonly pid: number };
  readonly isHealthy: boolean;
}

export function killCases(cluster: UpCluster): void {
  const status = async (): Promise<Running> => JSON.parse((await cluster.fairlead("status", "--json")).stdout);
  const pids = async (): Promise<Readonly<Record<string, number | undefined>>> => {
    const { parts, supervisor } = await status();
    return Object.fromEntries([...parts.map((one) => [one.name, one.process?.pid]), ["up", supervisor?.pid]]);
  };

  /** @returns of which part another process runs now */
  async function kill(victim: string): Promise<void> {
    const { [victim]: pid } = await pids();
    expect(pid).toBeGreaterThan(0);
    process.kill(pid!, "SIGKILL");
    // Whoever keeps `up` itself running (a unit of systemd, or a person) starts it as before.
    if (victim === "up") expect((await cluster.up()).code).toBe(0);
    await eventually(
      `another ${victim}`,
      async () => {
        const { [victim]: now } = await pids();
        return now !== undefined && now !== pid;
      },
      backMs,
    );
    await eventually(`health after the end of ${victim}`, async () => (await status()).isHealthy, backMs);
  }

  it(
    `comes back from ${rounds} kills, and has what was acknowledged, with the same containers`,
    { timeout: 120_000 + rounds * backMs },
    async () => {
      console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
      const random = seededRandom(seed);
      const place = await UpPlace.make(cluster, "kills");
      await place.run("create", "deployment", "web", `--image=${workbench[0]}`, "--replicas=3");
      await place.run("expose", "deployment", "web", "--port=80", "--target-port=8080");
      await place.rolledOut("deployment/web");
      const clusterIp = await place.field("service web", ".spec.clusterIP");
      const before = await place.answering(3, clusterIp, 80);
      const runs = ".items[*].status.containerStatuses[*]['containerID','restartCount']";
      const containers = await place.field("pods", runs);
      const writes = program<WriteLoadReport>(cluster, "write_load_program", cluster.kubeconfig, seed, 8);
      const requests = program<SteadyLoadReport>(cluster, "steady_load", clusterIp, 80, perSecond, longest);
      try {
        for (let round = 0; round < rounds; round++) {
          await sleep(random.int(2000));
          const victim = random.pick(["server", "node", "containerd", "up"]);
          await kill(victim);
          expect(await place.field("pods", runs), `round ${round}, ${victim}`).toBe(containers);
          // What is asked for now is done, too.
          if (round % 3 === 2) await isAlive(place, round);
        }
      } finally {
        writes.end();
        requests.end();
      }
      expect(await writes.report).toMatchObject({ faults: [] });
      const { sent, answers, failures } = await requests.report;
      expect({ failures, who: Object.keys(answers).sort() }).toEqual({ failures: {}, who: [...before].sort() });
      console.log(`${(await writes.report).writes} writes, ${(await writes.report).doubts} in doubt; ${sent} requests`);
    },
  );
}

/** A new pod runs, is behind its Service's name, and goes. */
async function isAlive(place: UpPlace, round: number): Promise<void> {
  const name = `new-${round}`;
  await place.run("run", name, `--image=${workbench[0]}`, "--port=80", "--expose", "--env=PORT=80");
  await place.run("wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s");
  await place.answering(1, await place.field(`service ${name}`, ".spec.clusterIP"), 80);
  await place.run("delete", `pod/${name}`, `service/${name}`, "--timeout=60s");
}
