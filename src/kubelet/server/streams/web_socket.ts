/** The server's end of a client's WebSocket, with bounds. */
import { WebSocketServer, type WebSocket } from "ws";
import { Refusal } from "../refusal.ts";
import { offeredProtocols, type UpgradeClient } from "./upgrade.ts";

/** kubectl sends 32 KiB at a time; a browser may send more. */
const maxMessageBytes = 4 * 1024 * 1024;

/** @throws Refusal 400 where the client offers no such protocol */
export function acceptWebSocket({ request, socket, head }: UpgradeClient, protocol: string): Promise<WebSocket> {
  if (!offeredProtocols(request).includes(protocol)) throw new Refusal(400, "unable to negotiate a protocol");
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: () => protocol,
  });
  return new Promise((resolve, reject) => {
    // What is no WebSocket's handshake is answered there, and the connection ends.
    const refused = (): void => reject(new Refusal(400, "the connection ended before it was upgraded"));
    socket.once("close", refused);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off("close", refused);
      resolve(webSocket);
    });
  });
}
