/** What people do with a cluster of `fairlead up`: one cluster for all of it, with the real kubectl and real traffic. */
import { afterAll, beforeAll, expect } from "vitest";
import { UpCluster } from "../fixtures/up_cluster.ts";
import { importWorkbench, workbench } from "../fixtures/up_images.ts";
import { ingressCase } from "./up/ingress.ts";
import { introductions } from "./up/introductions.ts";
import { killCases } from "./up/kills.ts";
import { drainCase, kubectlCases } from "./up/kubectl.ts";

const cluster = new UpCluster();

beforeAll(async () => {
  expect(await cluster.up()).toMatchObject({ code: 0, stderr: "" });
  expect(await importWorkbench(cluster)).toBe(workbench.map((name) => `imported ${name}\n`).join(""));
}, 200_000);

afterAll(() => cluster.stop(), 120_000);

kubectlCases(cluster);
introductions(cluster);
ingressCase(cluster);
killCases(cluster);
drainCase(cluster);
