/** Images of a registry that asks who one is, and their end: on the real runtime. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRuntime } from "../../src/kubelet/cri/grpc_runtime.ts";
import { ImageGc } from "../../src/kubelet/images/gc/image_gc.ts";
import { systemClock } from "../../src/reconcile/clock.ts";
import { testImages } from "../fixtures/container_images.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit, sleeps } from "../fixtures/kubelet_pods.ts";
import { startRegistry, type Registry } from "../fixtures/registry.ts";

let node: KubeletNode;
let kit: PodKit;
let registry: Registry;

beforeAll(async () => {
  node = await startKubeletNode();
  kit = new PodKit(node);
  const { namespace, folder } = node.containerd;
  registry = await startRegistry({
    namespace,
    layout: `${folder}/build/busybox/layout`,
    port: 5000,
    login: "me:sesame",
  });
});
afterAll(async () => {
  kit.close();
  await registry.stop();
  await node.stop();
});

const image = (name: string): { readonly image: string } => ({ image: `${registry.host}/team/${name}:1` });
const pulled = (container: object): object => ({ ...sleeps, imagePullPolicy: "Always", ...container });
const waitingOf = async (name: string) => (await kit.get(name)).status.containerStatuses?.[0]?.state.waiting;

describe("an image of a registry", () => {
  it("is pulled with the pod's secrets, of either kind", async () => {
    const login = { auths: { [registry.host]: { auth: Buffer.from("me:sesame").toString("base64") } } };
    const wrong = { "127.0.0.1:5000/team": { username: "me", password: "wrong" } };
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");
    const secret = (name: string, type: string, data: object): object => ({
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name }, type, data },
    });
    const now = "kubernetes.io/dockerconfigjson";
    await node.run(["create", "-f", "-"], secret("right", now, { ".dockerconfigjson": encoded(login) }));
    await node.run(["create", "-f", "-"], secret("wrong", "kubernetes.io/dockercfg", { ".dockercfg": encoded(wrong) }));
    // The narrower one is tried first, and is wrong.
    await kit.run("known", pulled(image("known")), { imagePullSecrets: [{ name: "wrong" }, { name: "right" }] });
    await kit.ready("known");
    const said = await kit.events("known");
    expect(said).toContain(`Normal Pulling spec.containers{main} Pulling image "${image("known").image}"`);
    expect(
      said.some((one) =>
        /^Normal Pulled spec\.containers\{main\} Successfully pulled image ".*" in [\d.]+s \([\d.]+s including waiting\)\. Image size: \d+ bytes\.$/.test(
          one,
        ),
      ),
    ).toBe(true);
  });

  it("is not pulled without, and says so: first why, then that it waits", async () => {
    await kit.run("stranger", pulled(image("stranger")));
    const first = await eventually(
      "the refusal",
      async () => (await waitingOf("stranger"))?.reason === "ErrImagePull" && (await waitingOf("stranger")),
      20_000,
    );
    expect(first.message).toMatch(/401 Unauthorized|authorization failed|no basic auth/);
    const later = await eventually(
      "the wait",
      async () => (await waitingOf("stranger"))?.reason === "ImagePullBackOff" && (await waitingOf("stranger")),
      20_000,
    );
    expect(later.message).toMatch(/^Back-off pulling image "127\.0\.0\.1:5000\/team\/stranger:1": ErrImagePull: /);
    await kit.run("broken", pulled({ image: "Not An Image" }));
    await eventually(
      "the name's refusal",
      async () => (await waitingOf("broken"))?.reason === "InvalidImageName",
      20_000,
    );
    await kit.delete("stranger", "broken");
  });
});

describe("images that nobody uses", () => {
  it("go where the disk is full, and what runs or sandboxes are made of stays", async () => {
    const runtime = openRuntime({ endpoint: node.containerd.endpoint, timeoutMs: 30_000 });
    try {
      await node.containerd.ctr("images", "tag", testImages.busybox, "localhost/other:1");
      await eventually("the name", async () => (await runtime.imageStatus("localhost/other:1")) !== undefined);
      const gc = new ImageGc({
        runtime,
        settings: { highPercent: 85, lowPercent: 80, minAgeMs: 0, maxAgeMs: 0 },
        events: { event: () => undefined },
        node: { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } },
        clock: systemClock,
        onError: (attempted, error) => expect.unreachable(`${attempted}: ${String(error)}`),
      });
      await gc.removeUnused();
      expect(await runtime.imageStatus(testImages.pause)).toBeDefined();
      expect(await runtime.imageStatus(image("known").image)).toBeDefined();
      await kit.delete("known");
      expect(await gc.removeUnused()).toBeGreaterThan(0);
      expect(await runtime.imageStatus(image("known").image)).toBeUndefined();
      expect(await runtime.imageStatus(testImages.pause)).toBeDefined();
      expect(await runtime.listContainerStats()).toEqual([]);
      // It does not say so before containerd 2.
      expect(await runtime.cgroupDriver()).toBeUndefined();
    } finally {
      runtime.close();
    }
  });
});
