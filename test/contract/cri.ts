/** What the kubelet relies on of a container runtime (src/kubelet/cri/runtime.ts), of the real one and of the fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FairleadError } from "../../src/errors/catalogue.ts";
import type { ContainerConfig, ContainerStatus, PodSandboxConfig } from "../../src/kubelet/cri/messages.ts";
import type { Runtime } from "../../src/kubelet/cri/runtime.ts";
import { eventually } from "../fixtures/eventually.ts";

export interface RuntimeUnderTest {
  readonly runtime: Runtime;
  /** An image with busybox. */
  readonly image: string;
  readonly cgroupRoot: string;
  readonly logFolder: string;
  stop(): Promise<void>;
}

let sandboxes = 0;

export function sandboxConfig(
  { cgroupRoot, logFolder }: RuntimeUnderTest,
  uid = `uid-${sandboxes++}`,
): PodSandboxConfig {
  return {
    metadata: { name: "web", uid, namespace: "default", attempt: 0 },
    hostname: "web",
    logDirectory: `${logFolder}/${uid}`,
    labels: { "io.kubernetes.pod.uid": uid },
    annotations: { "made-by": "test" },
    linux: {
      cgroupParent: `${cgroupRoot}/${uid}`,
      securityContext: { namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" } },
    },
  };
}

export function containerConfig(image: string, name: string, command: readonly string[], attempt = 0): ContainerConfig {
  return {
    metadata: { name, attempt },
    image: { image },
    command,
    labels: { "io.kubernetes.container.name": name },
    annotations: { attempt: String(attempt) },
    logPath: `${name}-${attempt}.log`,
    linux: { securityContext: { namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" } } },
  };
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FairleadError);
  return (error as FairleadError).code;
}

export function runtimeContract(start: () => Promise<RuntimeUnderTest>): void {
  let test: RuntimeUnderTest;
  let runtime: Runtime;
  beforeAll(async () => {
    test = await start();
    runtime = test.runtime;
  });
  afterAll(() => test.stop());

  const newSandbox = async (): Promise<[string, PodSandboxConfig]> => {
    const config = sandboxConfig(test);
    return [await runtime.runPodSandbox(config), config];
  };
  const started = async (name: string, command: readonly string[]): Promise<[string, string]> => {
    const [sandbox, config] = await newSandbox();
    const id = await runtime.createContainer(sandbox, containerConfig(test.image, name, command), config);
    await runtime.startContainer(id);
    return [id, sandbox];
  };
  const ended = (id: string): Promise<ContainerStatus> =>
    eventually("the container's end", async () => {
      const status = await runtime.containerStatus(id);
      return status.state === "CONTAINER_EXITED" && status;
    });

  describe("the runtime", () => {
    it("says what it is and that it is ready", async () => {
      expect(await runtime.version()).toMatchObject({ runtimeName: "containerd", runtimeApiVersion: "v1" });
      const conditions = (await runtime.status()).conditions.map(({ type, status }) => [type, status]);
      expect(conditions).toEqual([
        ["RuntimeReady", true],
        ["NetworkReady", true],
      ]);
    });
  });

  describe("a sandbox", () => {
    it("is ready with an address, is found by its labels, and keeps what it was given", async () => {
      const [id, config] = await newSandbox();
      const status = await runtime.podSandboxStatus(id);
      expect(status).toMatchObject({ id, state: "SANDBOX_READY", metadata: config.metadata, labels: config.labels });
      expect(status.annotations).toMatchObject({ "made-by": "test" });
      expect(status.network?.ip).toMatch(/^10\./);
      expect(status.createdAt / 1e6).toBeGreaterThan(Date.now() - 60_000);
      const found = await runtime.listPodSandboxes({ labels: config.labels });
      expect(found.map((sandbox) => sandbox.id)).toEqual([id]);
      expect(await runtime.listPodSandboxes({ labels: { "io.kubernetes.pod.uid": "other" } })).toEqual([]);
    });

    it("is stopped and removed, each as often as one likes", async () => {
      const [id] = await newSandbox();
      await runtime.stopPodSandbox(id);
      await runtime.stopPodSandbox(id);
      const stopped = await runtime.podSandboxStatus(id);
      expect(stopped.state).toBe("SANDBOX_NOTREADY");
      await runtime.removePodSandbox(id);
      await runtime.removePodSandbox(id);
      expect(await codeOf(runtime.podSandboxStatus(id))).toBe("CRI_NOT_FOUND");
    });

    it("is refused where its name and attempt are taken", async () => {
      const [, config] = await newSandbox();
      expect(await codeOf(runtime.runPodSandbox(config))).toBe("CRI_REFUSED");
    });

    it("takes its containers along", async () => {
      const [id, sandbox] = await started("long", ["/bin/sleep", "1000"]);
      await runtime.stopPodSandbox(sandbox);
      expect(await runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
      await runtime.removePodSandbox(sandbox);
      expect(await codeOf(runtime.containerStatus(id))).toBe("CRI_NOT_FOUND");
    });
  });

  describe("a container", () => {
    it("is created, runs, and ends with its code", async () => {
      const [sandbox, config] = await newSandbox();
      const wanted = containerConfig(test.image, "one", ["/bin/sh", "-c", "exit 3"]);
      const id = await runtime.createContainer(sandbox, wanted, config);
      expect(await runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_CREATED", startedAt: 0 });
      await runtime.startContainer(id);
      const status = await ended(id);
      expect(status).toMatchObject({ exitCode: 3, reason: "Error", metadata: { name: "one", attempt: 0 } });
      expect(status.startedAt).toBeGreaterThan(0);
      // A program that ends at once may have ended before its start is written down.
      expect(status.finishedAt).toBeGreaterThan(0);
      expect(status).toMatchObject({ labels: wanted.labels, annotations: wanted.annotations });
      expect(status.logPath).toBe(`${config.logDirectory}/one-0.log`);
      const [listed, ...others] = await runtime.listContainers({ sandboxId: sandbox });
      expect(others).toEqual([]);
      expect(listed).toMatchObject({ id, podSandboxId: sandbox, state: "CONTAINER_EXITED", metadata: wanted.metadata });
    });

    it("that ends well has Completed for its reason", async () => {
      const [id] = await started("well", ["/bin/true"]);
      expect(await ended(id)).toMatchObject({ exitCode: 0, reason: "Completed" });
    });

    it("is killed where it does not stop in time", async () => {
      const [id] = await started("deaf", ["/bin/sleep", "1000"]);
      expect((await runtime.containerStatus(id)).state).toBe("CONTAINER_RUNNING");
      await runtime.stopContainer(id, 1);
      expect(await runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_EXITED", exitCode: 137 });
      await runtime.stopContainer(id, 1);
    });

    it("is removed as often as one likes, also while it runs", async () => {
      const [id] = await started("gone", ["/bin/sleep", "1000"]);
      await runtime.removeContainer(id);
      await runtime.removeContainer(id);
      expect(await codeOf(runtime.containerStatus(id))).toBe("CRI_NOT_FOUND");
    });

    it("is refused: no sandbox, no image, a name that is taken, a second start, no such command", async () => {
      const [sandbox, config] = await newSandbox();
      const wanted = containerConfig(test.image, "one", ["/bin/sleep", "1000"]);
      expect(await codeOf(runtime.createContainer("nowhere", wanted, config))).toBe("CRI_NOT_FOUND");
      const noImage = containerConfig("localhost/absent:1", "two", ["/bin/true"]);
      expect(await codeOf(runtime.createContainer(sandbox, noImage, config))).toBe("CRI_NOT_FOUND");
      const id = await runtime.createContainer(sandbox, wanted, config);
      expect(await codeOf(runtime.createContainer(sandbox, wanted, config))).toBe("CRI_REFUSED");
      await runtime.startContainer(id);
      expect(await codeOf(runtime.startContainer(id))).toBe("CRI_REFUSED");
      const absent = containerConfig(test.image, "absent", ["/no/such/program"]);
      const other = await runtime.createContainer(sandbox, absent, config);
      expect(await codeOf(runtime.startContainer(other))).not.toBe("CRI_NOT_FOUND");
      expect(await runtime.containerStatus(other)).toMatchObject({ state: "CONTAINER_EXITED", reason: "StartError" });
    });

    it("runs commands, and ends those that take too long", async () => {
      const [id] = await started("host", ["/bin/sleep", "1000"]);
      const result = await runtime.execSync(id, ["/bin/sh", "-c", "echo out; echo err >&2; exit 4"], 10);
      expect([result.stdout.toString(), result.stderr.toString(), result.exitCode]).toEqual(["out\n", "err\n", 4]);
      expect(await codeOf(runtime.execSync(id, ["/bin/sleep", "1000"], 1))).toBe("CRI_TIMEOUT");
      expect(await codeOf(runtime.execSync("nobody", ["/bin/true"], 1))).toBe("CRI_NOT_FOUND");
    });
  });

  describe("images", () => {
    it("are found by name, listed, and not found where they are absent", async () => {
      const image = await runtime.imageStatus(test.image);
      expect(image?.repoTags).toEqual([test.image]);
      expect(image?.id).toMatch(/^sha256:/);
      expect((await runtime.listImages()).map(({ id }) => id)).toContain(image?.id);
      expect(await runtime.imageStatus("localhost/absent:1")).toBeUndefined();
      await runtime.removeImage("localhost/absent:1");
    });
  });
}
