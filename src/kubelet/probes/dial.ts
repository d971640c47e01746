/** What a connection failed by, in the words in which Go prints it: they end up in Events. */
export function dialFailure(error: Error): string {
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  }
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === "ECONNREFUSED") return `dial tcp ${address}:${port}: connect: connection refused`;
  if (isPlainHttp(error)) return "http: server gave HTTP response to HTTPS client";
  return error.message;
}

/** "HTTP/1.1 400 …" taken for a record of TLS has a version, and a length, that there are not. */
export function isPlainHttp(error: Error): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") return true;
  // So where the question was being written meanwhile.
  return code === "EPROTO" && /wrong version number|packet length too long/.test(message);
}
