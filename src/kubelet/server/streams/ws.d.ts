/** What is used of `ws`, which brings no types of its own. */
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { IncomingMessage } from "node:http";
  import type { Duplex, DuplexOptions } from "node:stream";

  export class WebSocket extends EventEmitter {
    readonly protocol: string;
    readonly bufferedAmount: number;
    readonly readyState: number;
    static readonly OPEN: number;
    send(data: Buffer, options: { readonly binary: boolean }, sent: (error?: Error) => void): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    pause(): void;
    resume(): void;
    on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): this;
    on(event: "close", listener: (code: number) => void): this;
    on(event: "error", listener: (error: Error) => void): this;
  }
  export class WebSocketServer {
    constructor(options: {
      readonly noServer: true;
      readonly maxPayload: number;
      readonly perMessageDeflate: false;
      readonly clientTracking: false;
      readonly handleProtocols: (offered: Set<string>) => string | false;
    });
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: WebSocket) => void): void;
  }
  export function createWebSocketStream(socket: WebSocket, options?: DuplexOptions): Duplex;
}
