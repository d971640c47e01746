/** What nobody will delete is found, waited for, and taken away: and nothing else. */
import { describe, expect, it } from "vitest";
import type { Link } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import { Abandoned, graceMs } from "../../../src/network/abandoned/abandoned.ts";
import type { PodAttachment } from "../../../src/network/state/detail.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const minuteMs = 60_000;

function attachment(containerId: string, changes: Partial<PodAttachment> = {}, podName = containerId): PodAttachment {
  const pod = { namespace: "default", name: podName, uid: "" };
  const detail = { link: {}, portMappings: [], pod } as unknown as PodAttachment["detail"];
  const owner = { network: "fairlead", containerId, ifName: "eth0" };
  return { ...owner, hostLink: `flp-${containerId}`, isReady: true, pid: 1, detail, ...changes };
}

class World {
  readonly clock = new FakeClock();
  attachments: PodAttachment[] = [];
  /** Of the kernel; those of all attachments when undefined. */
  links: string[] | undefined;
  /** undefined: the runtime does not answer. */
  sandboxes: string[] | undefined = [];
  readonly released: string[] = [];
  readonly turns: string[] = [];
  readonly errors: string[] = [];
  refusals = 0;
  readonly abandoned: Abandoned;

  constructor(hasRuntime = true) {
    this.abandoned = new Abandoned({
      attached: () => this.attachments,
      links: () => {
        const names = this.links ?? this.attachments.map(({ hostLink }) => hostLink);
        return Promise.resolve(names.map((name) => ({ name }) as Link));
      },
      sandboxes: hasRuntime
        ? () => (this.sandboxes ? Promise.resolve(this.sandboxes) : Promise.reject(new Error("no answer")))
        : undefined,
      release: ({ containerId }) => {
        if (this.refusals-- > 0) return Promise.reject(new Error("refused"));
        this.attachments = this.attachments.filter((one) => one.containerId !== containerId);
        return Promise.resolve();
      },
      inTurn: (containerId, work) => {
        this.turns.push(containerId);
        return work();
      },
      onReleased: ({ containerId }, why) => this.released.push(`${containerId}: ${why}`),
      onError: (error) => this.errors.push((error as Error).message),
      clock: this.clock,
    });
    this.abandoned.start();
  }

  /** Minute by minute, as the looks come. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += minuteMs) {
      this.clock.advance(minuteMs);
      for (let i = 0; i < 20; i++) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("an attachment", () => {
  it("whose sandbox the runtime does not know goes after five minutes, in its container's turn", async () => {
    const world = new World();
    world.attachments = [attachment("lost"), attachment("known")];
    world.sandboxes = ["known"];
    await world.pass(graceMs);
    expect(world.released).toEqual([]);
    await world.pass(minuteMs);
    expect(world.released).toEqual(["lost: the runtime does not know its sandbox"]);
    expect(world.turns).toEqual(["lost"]);
    await world.pass(3 * graceMs);
    expect(world.released).toHaveLength(1);
    await world.abandoned.stop();
  });

  it("that the runtime lists late, as while a sandbox is being made, stays", async () => {
    const world = new World();
    world.attachments = [attachment("late")];
    await world.pass(graceMs - minuteMs);
    world.sandboxes = ["late"];
    await world.pass(minuteMs);
    world.sandboxes = [];
    await world.pass(graceMs);
    expect(world.released).toEqual([]);
    await world.abandoned.stop();
  });

  it("stays while the runtime does not answer, and where no pod is named, or no runtime", async () => {
    const world = new World();
    world.attachments = [attachment("lost")];
    world.sandboxes = undefined;
    await world.pass(3 * graceMs);
    expect(world.errors).toContain("no answer");
    world.sandboxes = ["another"];
    world.attachments = [attachment("of-nerdctl", {}, "")];
    await world.pass(3 * graceMs);
    expect(world.released).toEqual([]);
    await world.abandoned.stop();
    const alone = new World(false);
    alone.attachments = [attachment("lost")];
    await alone.pass(3 * graceMs);
    expect([...alone.released, ...alone.errors]).toEqual([]);
    await alone.abandoned.stop();
  });

  it("whose link is gone, or that was never finished, goes whatever the runtime says", async () => {
    const world = new World();
    world.attachments = [attachment("gone"), attachment("half", { isReady: false }), attachment("whole")];
    world.links = ["flp-half", "flp-whole"];
    world.sandboxes = ["gone", "half", "whole"];
    await world.pass(graceMs + minuteMs);
    expect(world.released).toEqual(["gone: its link is gone", "half: it was never finished"]);
    await world.abandoned.stop();
  });

  it("that cannot be taken away holds no other up, and is tried again", async () => {
    const world = new World();
    world.attachments = [attachment("one"), attachment("two")];
    world.refusals = 1;
    await world.pass(graceMs + minuteMs);
    expect(world.released).toEqual([expect.stringMatching(/^two:/)]);
    await world.pass(2 * minuteMs);
    expect(world.errors).toEqual(["refused"]);
    expect(world.released).toHaveLength(2);
    await world.abandoned.stop();
  });
});
