/** Waiting for a server to be ready, as a probe of the kubelet would. */
import { RawClient } from "./raw_client.ts";
import type { Target } from "./system.ts";

/**
 * @param target what is known of it by now; undefined before its credentials are there
 * @param startedMs when its process was started (performance.now())
 * @returns ms from then to the first 200 of /readyz
 * @throws Error after 120 s
 */
export async function ready(target: () => Target | undefined, startedMs: number): Promise<number> {
  while (performance.now() - startedMs < 120_000) {
    const ok = await isReady(target());
    if (ok) return performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the server is not ready after 120 s");
}

async function isReady(target: Target | undefined): Promise<boolean> {
  if (!target) return false;
  let client: RawClient | undefined;
  try {
    client = await RawClient.connect(target);
    return (await client.request("GET", "/readyz", "")).code === 200;
  } catch {
    return false; // It does not listen yet.
  } finally {
    client?.close();
  }
}
