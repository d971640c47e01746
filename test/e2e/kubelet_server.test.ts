/** The kubelet's server through the real kubectl and our API server: streams, with authentication and authorization on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";

let node: KubeletNode;

beforeAll(async () => {
  node = await startKubeletNode((folder) => ({
    authentication: { x509: { clientCAFile: `${folder}/server/pki/ca.crt` } },
    authorization: { mode: "Webhook" },
  }));
  await create(
    pod("shell", { command: ["sh", "-c", "mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www"] }),
  );
  await ready("shell");
});
afterAll(() => node.stop());

const pod = (name: string, container: object, spec: object = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: node.containerd.image, imagePullPolicy: "Never", ...container }],
    ...spec,
  },
});
const create = (object: object): Promise<string> => node.run(["create", "-f", "-"], object);
const ready = (name: string): Promise<string> =>
  node.run(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=30s"]);

describe("kubectl exec", () => {
  it("shows both outputs and the command's exit code", async () => {
    const { code, stdout, stderr } = await node.kubectl([
      "exec",
      "shell",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 3",
    ]);
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\ncommand terminated with exit code 3\n",
    });
  });
});
