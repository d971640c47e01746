/** The tests' own containerd: it runs what it is told, and leaves nothing however it is ended. */
import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { mountsBelow, processesOf } from "../../fixtures/container_remains.ts";
import { startContainerd } from "../../fixtures/containerd.ts";

it("has its images, runs a container, and leaves nothing when it is stopped in the middle", async () => {
  const containerd = await startContainerd();
  try {
    const images = (await containerd.ctr("images", "list", "-q")).split("\n");
    expect(images).toEqual(expect.arrayContaining(["localhost/busybox:test", "localhost/pause:test"]));
    // Not where every containerd of the machine keeps what runs, and finds what another one has left.
    const place = ["--runc-root", `${containerd.folder}/runc`, "--cgroup", `${containerd.cgroupRoot}/one`];
    await containerd.ctr("run", "--detach", ...place, containerd.image, "one", "/bin/sleep", "1000");
    expect(processesOf(containerd.folder)).toHaveLength(1);
    expect(mountsBelow(containerd.folder)).not.toEqual([]);
    await containerd.kill();
    await containerd.start();
    expect(await containerd.ctr("tasks", "list", "-q")).toBe("one\n");
  } finally {
    await containerd.stop();
  }
  expect(processesOf(containerd.folder)).toEqual([]);
  expect(mountsBelow(containerd.folder)).toEqual([]);
  expect(existsSync(containerd.folder)).toBe(false);
  expect(existsSync(containerd.namespace)).toBe(false);
});
