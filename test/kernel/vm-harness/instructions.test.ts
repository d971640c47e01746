/** The count of instructions must not depend on what else the host does: it is to be a gate. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { countInstructions } from "../../vm/harness/instructions/count.ts";
import { direct, nftablesMap } from "../../vm/harness/instructions/scenarios.ts";

const size = { connections: 100, batches: 15 };

/** Runs `work` while two processes of the host do nothing as fast as they can. */
async function underLoad<T>(work: () => Promise<T>): Promise<T> {
  const burners = [1, 2].map(() => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  const ended = burners.map((burner) => once(burner, "exit"));
  try {
    return await work();
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
    await Promise.all(ended);
  }
}

test("an idle and a loaded host count the same, to one per cent", { timeout: 300_000 }, async () => {
  const idle = await countInstructions({ ...direct, ...size });
  const loaded = await underLoad(() => countInstructions({ ...direct, ...size }));
  const difference = loaded.instructionsPerConnection / idle.instructionsPerConnection - 1;
  const figures = `idle ${idle.instructionsPerConnection}, loaded ${loaded.instructionsPerConnection} per connection`;
  expect(Math.abs(difference), figures).toBeLessThan(0.01);
  expect(idle.batches).toHaveLength(size.batches);
});

test("a path that does more counts more", { timeout: 300_000 }, async () => {
  const without = await countInstructions({ ...direct, ...size });
  const translated = await countInstructions({ ...nftablesMap, ...size });
  expect(translated.instructionsPerConnection).toBeGreaterThan(without.instructionsPerConnection * 1.05);
});

test("a scenario whose set-up fails says what failed", { timeout: 300_000 }, async () => {
  const count = countInstructions({ ...direct, name: "broken", setup: "ip link add nonsense type nonsense" });
  await expect(count).rejects.toMatchObject({
    code: "WORKLOAD",
    message: expect.stringMatching(/"broken".*Unknown device type/s),
  });
});
