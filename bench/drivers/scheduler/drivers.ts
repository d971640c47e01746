/** The scheduler alone, on an API that costs nothing, and with the real API server in the same process. */
import type { Client } from "../../../src/api/client.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import { LoopbackClient } from "../../../src/controlplane/apiserver/loopback/client.ts";
import { schedulerClient } from "../../../src/controlplane/apiserver/loopback/accounts.ts";
import { loopbackUser } from "../../../src/controlplane/apiserver/loopback/loopback.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { startSecureServer } from "../../../test/fixtures/secure_server.ts";
import { MemoryApi } from "./memory_api.ts";
import { prepareScheduler } from "./scheduling.ts";
import { namespace, nodeOf, podOf, type PodKind, type WorkloadParameters } from "./workload.ts";

export const alone: Driver<WorkloadParameters> = {
  name: "plain pods, alone",
  what: "an API in memory; informers, queue, cycles and bindings as in service",
  prepare: (parameters, cleanup) => onMemory("plain", parameters, cleanup),
};

export const spreadAlone: Driver<WorkloadParameters> = {
  name: "affinity and spread, alone",
  what: "the same; pods stay away from their own kind by host, prefer its zone, and are spread over zones",
  prepare: (parameters, cleanup) => onMemory("spread", parameters, cleanup),
};

export const onServer: Driver<WorkloadParameters> = {
  name: "plain pods, API server",
  what: "the API server in the same process, on its embedded store",
  prepare: (parameters, cleanup) => onApiServer("plain", parameters, cleanup),
};

async function onMemory(kind: PodKind, parameters: WorkloadParameters, cleanup: Cleanup) {
  const api = new MemoryApi();
  const { nodes, pods, zones, replicas } = parameters;
  for (let i = 0; i < nodes; i++) api.put(resourceTypes.nodes, nodeOf(i, zones));
  for (let i = 0; i < pods; i++) api.put(resourceTypes.pods, podOf(kind, i, replicas));
  const scheduler = await prepareScheduler(api.client, cleanup);
  return () => scheduler.run(pods);
}

async function onApiServer(kind: PodKind, parameters: WorkloadParameters, cleanup: Cleanup) {
  const server = await startSecureServer();
  cleanup.add(() => server.stop());
  const { routes } = server.api.server;
  const client = new LoopbackClient(routes, { user: loopbackUser, userAgent: "bench" });
  await fill(client, kind, parameters);
  const scheduler = await prepareScheduler(schedulerClient(routes), cleanup);
  return () => scheduler.run(parameters.pods);
}

async function fill(client: Client, kind: PodKind, parameters: WorkloadParameters): Promise<void> {
  const { nodes, pods, zones, replicas } = parameters;
  await client.create(resourceTypes.serviceAccounts, { metadata: { namespace, name: "default" } });
  await inBatches(nodes, async (i) => {
    const { metadata, spec, status } = nodeOf(i, zones);
    const { name, labels } = metadata;
    const made = await client.create(resourceTypes.nodes, { metadata: { name, labels: labels! }, spec });
    await client.update(
      resourceTypes.nodes,
      { ...made, spec: {}, status: { ...made.status, ...status } },
      { subresource: "status" },
    );
    await client.patch(resourceTypes.nodes, { name }, { type: "merge", body: { spec: { taints: null } } });
  });
  await inBatches(pods, async (i) => {
    const { metadata, spec } = podOf(kind, i, replicas);
    const { name, labels } = metadata;
    await client.create(resourceTypes.pods, { metadata: { namespace, name, labels: labels! }, spec });
  });
}

/** Writes that are under way at one time. */
const batch = 64;

async function inBatches(count: number, make: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += batch) {
    const indexes = Array.from({ length: Math.min(batch, count - from) }, (_, i) => from + i);
    await Promise.all(indexes.map(make));
  }
}
