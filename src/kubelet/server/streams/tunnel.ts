/** Port-forward's SPDY inside a WebSocket (KEP-4006): its messages are the bytes of the connection to the runtime. */
import { createWebSocketStream } from "ws";
import { join } from "./pass.ts";
import { upgradeToSpdy, type UpgradeClient } from "./upgrade.ts";
import { acceptWebSocket } from "./web_socket.ts";

const protocol = "portforward.k8s.io";
export const tunnelProtocol = `SPDY/3.1+${protocol}`;

/** Resolves when it is over. @throws Refusal */
export async function tunnelStreams(url: string, client: UpgradeClient): Promise<void> {
  const { socket, head } = await upgradeToSpdy(url, protocol);
  try {
    const webSocket = await acceptWebSocket(client, tunnelProtocol);
    const bytes = createWebSocketStream(webSocket);
    await join(bytes, Buffer.alloc(0), socket, head);
  } finally {
    socket.destroy();
  }
}
