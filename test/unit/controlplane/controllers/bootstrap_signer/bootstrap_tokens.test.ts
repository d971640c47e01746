/** Bootstrap tokens: cluster-info is signed by each, and they go when they are over. */
import { flattenedVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { bootstrapSignerController } from "../../../../../src/controlplane/controllers/bootstrap_signer/bootstrap_signer.ts";
import {
  expiresInMs,
  signingToken,
} from "../../../../../src/controlplane/controllers/token_cleaner/bootstrap_token.ts";
import { tokenCleanerController } from "../../../../../src/controlplane/controllers/token_cleaner/token_cleaner.ts";
import type { Secret } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { FakeClock } from "../../../../fixtures/fake_clock.ts";

const { configMaps, secrets } = resourceTypes;
const clock = new FakeClock();
const now = clock.now();
const encoded = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));

function token(id: string, over: Record<string, string> = {}): Secret {
  const data = { "token-id": id, "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true", ...over };
  return {
    metadata: { namespace: "kube-system", name: `bootstrap-token-${id}` },
    type: "bootstrap.kubernetes.io/token",
    data: encoded(data),
  } as unknown as Secret;
}

describe("a token", () => {
  const at = (ms: number) => ({ expiration: new Date(now + ms).toISOString() });
  it.each<[string, Secret, boolean]>([
    ["whole", token("abcdef"), true],
    ["that lasts", token("abcdef", at(1000)), true],
    ["that is over", token("abcdef", at(-1)), false],
    ["not for signing", token("abcdef", { "usage-bootstrap-signing": "false" }), false],
    ["of another id", token("abcdef", { "token-id": "fedcba" }), false],
    ["without a secret", token("abcdef", { "token-secret": "" }), false],
    ["of another type", { ...token("abcdef"), type: "Opaque" }, false],
  ])("%s", (_, secret, signs) => expect(signingToken(secret, now) !== undefined).toBe(signs));
  it.each([
    [{}, undefined],
    [at(5000), 5000],
    [at(-5000), 0],
    [{ expiration: "soon" }, 0],
  ])("%j is over in %s ms", (over, expected) => expect(expiresInMs(token("abcdef", over), now)).toBe(expected));
});

describe("on the real API server", () => {
  let plane: TestControlPlane;
  beforeAll(async () => {
    plane = await startTestControlPlane({ rows: [bootstrapSignerController, tokenCleanerController], clock });
  });
  afterAll(() => plane.stop());
  const key = { namespace: "kube-public", name: "cluster-info" };
  const signatures = async (): Promise<string[]> => {
    const { data = {} } = await plane.client.get(configMaps, key);
    return Object.keys(data).filter((name) => name.startsWith("jws-kubeconfig-"));
  };

  it("signs as RFC 7515 has it, and forgets tokens that go or are over", async () => {
    const { client } = plane;
    const expiration = new Date(now + 60_000).toISOString();
    const brief = token("second", { expiration });
    await client.create(configMaps, { metadata: key, data: { kubeconfig: "apiVersion: v1\n" } });
    await client.create(secrets, token("abcdef"));
    await client.create(secrets, brief);
    await eventually("both signatures", async () => (await signatures()).length === 2);
    const { data = {} } = await client.get(configMaps, key);
    const [header, payload, signature] = data["jws-kubeconfig-abcdef"]!.split(".");
    expect(payload).toBe("");
    const jws = {
      protected: header!,
      payload: Buffer.from(data["kubeconfig"]!).toString("base64url"),
      signature: signature!,
    };
    const verified = await flattenedVerify(jws, new TextEncoder().encode("abcdef.0123456789abcdef"));
    expect(verified.protectedHeader).toEqual({ alg: "HS256", kid: "abcdef" });

    clock.advance(60_001);
    await eventually("its end", () => client.get(secrets, brief.metadata).then(() => false, isNotFound));
    await eventually("one signature", async () => (await signatures()).join() === "jws-kubeconfig-abcdef");
    await client.delete(secrets, token("abcdef").metadata);
    await eventually("none", async () => (await signatures()).length === 0);
    expect(plane.complaints).toEqual([]);
  });
});
