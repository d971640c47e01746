import { startTestControlPlane } from "../fixtures/control_plane.ts";
import { describeClient } from "./client.ts";

describeClient("loopback", async () => {
  const plane = await startTestControlPlane({ rows: [] });
  return { client: plane.client, stop: () => plane.stop() };
});
