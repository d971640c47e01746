/** The kubelet's server through the real kubectl and our API server: streams, with authentication and authorization on. */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { followKubectl, runKubectl, type KubectlResult } from "../fixtures/kubectl.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit } from "../fixtures/kubelet_pods.ts";
import { onTerminal } from "../fixtures/pty.ts";

let node: KubeletNode;
let kit: PodKit;

const serve = "mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www";

beforeAll(async () => {
  node = await startKubeletNode((folder) => ({
    authentication: { x509: { clientCAFile: `${folder}/server/pki/ca.crt` } },
    authorization: { mode: "Webhook" },
  }));
  kit = new PodKit(node);
  await kit.run("shell", { command: ["sh", "-c", serve] });
  await kit.ready("shell");
});
afterAll(async () => {
  kit.close();
  await node.stop();
});

const inNode = (...argv: string[]): string[] => [`--net=${node.containerd.namespace}`, ...argv];
const kubectlArgs = (...args: string[]): string[] => inNode("kubectl", "--kubeconfig", node.kubeconfig, ...args);
const here = async (...argv: string[]): Promise<string> =>
  (await promisify(execFile)("nsenter", inNode(...argv), { timeout: 60_000 })).stdout;

/** Each kind of client: WebSockets (v5.channel.k8s.io), and SPDY/3.1 of kubectl before 1.31. */
describe.each(["true", "false"])("kubectl with WebSockets: %s", (webSockets) => {
  const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets, KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets };
  const kubectl = (args: readonly string[], input?: string): Promise<KubectlResult> =>
    runKubectl(kubectlArgs(...args), { program: "nsenter", env, input });

  it("exec shows both outputs and the command's exit code", async () => {
    const result = await kubectl(["exec", "shell", "-v6", "--", "sh", "-c", "echo out; echo err >&2; exit 3"]);
    const { code, stdout, stderr } = result;
    expect({ code, stdout }).toEqual({ code: 3, stdout: "out\n" });
    expect(stderr).toContain("err\n");
    expect(stderr).toContain("command terminated with exit code 3");
    // What the client asked for is what it got: kubectl falls back to SPDY where it must.
    expect(stderr).toMatch(webSockets === "true" ? /GET .*\/exec\?.* 101 / : /POST .*\/exec\?.* 101 /);
  });

  it("exec gives a command its input, to the end", async () => {
    const input = "one\ntwo\n".repeat(10_000);
    const { code, stdout } = await kubectl(["exec", "-i", "shell", "--", "sh", "-c", "wc -l; echo done"], input);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "20000\ndone\n" });
  });

  it("exec says what is not there", async () => {
    const missing = await kubectl(["exec", "shell", "--", "nothing-of-that-name"]);
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toMatch(/nothing-of-that-name.*(not found|no such file)/);
    const container = await kubectl(["exec", "shell", "-c", "other", "--", "true"]);
    expect(container.stderr).toContain("container other is not valid for pod shell");
  });

  it("exec -it has a terminal, which follows the client's size", async () => {
    // Not a shell that asks the terminal where its cursor is.
    const shell = "echo go; while read -r line; do $line; done";
    const terminal = onTerminal(["nsenter", ...kubectlArgs("exec", "-it", "shell", "--", "sh", "-c", shell)], env);
    try {
      await terminal.says(/go/);
      terminal.type("stty size\n");
      await terminal.says(/24 80/);
      terminal.resize(50, 132);
      await eventually("the other size", async () => {
        terminal.type("stty size\n");
        await new Promise((resolve) => setTimeout(resolve, 50));
        return terminal.text().includes("50 132");
      });
      terminal.type("exit 7\n");
      expect(await terminal.ended).toBe(7);
    } finally {
      await terminal.stop();
    }
  });

  it("cp takes a large file there and back", async () => {
    const megabytes = webSockets === "true" ? 50 : 8;
    const file = path.join(node.containerd.folder, "large");
    writeFileSync(file, randomBytes(megabytes * 1024 * 1024));
    const digest = (name: string): string => createHash("sha256").update(readFileSync(name)).digest("hex");
    const there = await kubectl(["cp", file, "shell:/tmp/large", "--retries=0"]);
    expect(there).toMatchObject({ code: 0 });
    const { stdout } = await kubectl(["exec", "shell", "--", "sha256sum", "/tmp/large"]);
    expect(stdout).toContain(digest(file));
    const back = await kubectl(["cp", "shell:/tmp/large", `${file}.back`, "--retries=0"]);
    expect(back).toMatchObject({ code: 0 });
    expect(digest(`${file}.back`)).toBe(digest(file));
  });

  it("port-forward leads many connections at once, and says which port nobody listens on", async () => {
    const local = webSockets === "true" ? 18_080 : 18_081;
    const forward = followKubectl(kubectlArgs("port-forward", "shell", `${local}:8080`, `${local + 100}:9`), {
      program: "nsenter",
      env,
    });
    try {
      await forward.says(`Forwarding from 127.0.0.1:${local + 100}`);
      const url = `http://127.0.0.1:${local}/index.html`;
      const fetched = await Promise.all(Array.from({ length: 12 }, () => here("curl", "-sm20", url)));
      expect(new Set(fetched)).toEqual(new Set(["served\n"]));
      await here("curl", "-sm5", `http://127.0.0.1:${local + 100}/`).catch(() => undefined);
      await forward.says(/an error occurred forwarding \d+ -> 9: .*connection refused/);
    } finally {
      await forward.stop();
    }
  });

  it("attach and run --rm -it talk with a container's first process", async () => {
    const name = `talk-${webSockets}`;
    const args = ["run", name, "--rm", "-it", "--restart=Never", "--image-pull-policy=Never"];
    const command = ["--command", "--", "sh", "-c", 'read -r line; echo "you said $line"; exit 5'];
    const image = `--image=${node.containerd.image}`;
    const terminal = onTerminal(["nsenter", ...kubectlArgs(...args, image, ...command)], env);
    try {
      await terminal.says(/If you don't see a command prompt, try pressing enter|you said/);
      terminal.type("hello\n");
      await terminal.says(/you said hello/);
      expect(await terminal.ended).toBe(5);
      expect(terminal.text()).toContain(`pod "${name}" deleted`);
    } finally {
      await terminal.stop();
    }
  });
});

describe("the kubelet's API", () => {
  it("runs a container to debug another", async () => {
    const image = `--image=${node.containerd.image}`;
    const args = ["debug", "shell", image, "--image-pull-policy=Never", "-c", "look", "--target=main", "-i"];
    const { stdout } = await runKubectl(kubectlArgs(...args, "--", "sh", "-c", "sleep 1; ps"), { program: "nsenter" });
    await eventually("what it said", async () =>
      /httpd -f/.test(stdout + (await node.run(["logs", "shell", "-c", "look"]))),
    );
  });
});
