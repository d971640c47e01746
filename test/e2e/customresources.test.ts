/** CustomResourceDefinitions and their objects, as programs and the real kubectl see them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";
import { eventually } from "../fixtures/eventually.ts";
import { cronTabs } from "../fixtures/definitions.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const cronTabPath = "/apis/stable.example.com/v1/namespaces/default/crontabs";

async function established(name: string): Promise<any> {
  return eventually(`${name} established`, async () => {
    const { body } = await api.request("GET", `${definitions}/${name}`);
    const condition = body.status?.conditions?.find((one: any) => one.type === "Established");
    return condition?.status === "True" && body;
  });
}

const cronTab = (name: string, spec: object = {}): object => ({
  apiVersion: "stable.example.com/v1",
  kind: "CronTab",
  metadata: { name },
  spec: { cronSpec: "* * * * */5", image: "my-awesome-cron-image", ...spec },
});

describe("a definition", () => {
  it("is established, and its objects can be made at once", async () => {
    const created = await api.request("POST", definitions, cronTabs);
    expect(created.code, JSON.stringify(created.body)).toBe(201);
    const { status } = await established("crontabs.stable.example.com");
    expect(status).toMatchObject({
      acceptedNames: { plural: "crontabs", kind: "CronTab", listKind: "CronTabList", singular: "crontab" },
      storedVersions: ["v1"],
      conditions: [
        { type: "NamesAccepted", status: "True", reason: "NoConflicts" },
        { type: "Established", status: "True", reason: "InitialNamesAccepted" },
      ],
    });
    const made = await api.request("POST", cronTabPath, cronTab("one"));
    expect(made.code, JSON.stringify(made.body)).toBe(201);
    expect(made.body).toMatchObject({
      kind: "CronTab",
      metadata: { name: "one", generation: 1 },
      spec: { replicas: 1 },
    });
  });
});
