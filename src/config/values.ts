/** Kinds of values that configurations have in common, with upstream's words where they are wrong. */
import { isIP } from "node:net";
import { z } from "zod";
import { hostPort, parseIp } from "../model/address.ts";
import { parseDuration } from "./duration.ts";

/** A Go duration, in ms. @param defaultMs where it lacks, or is zero, as upstream defaults both */
export function duration(defaultMs: number, least: "positive" | "not negative" = "not negative") {
  return z
    .string()
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined) {
        context.addIssue({ code: "custom", message: `"${text}" is not a duration (such as 30s or 1h15m)` });
        return z.NEVER;
      }
      if (ms < 0) {
        const message = least === "positive" ? "must be greater than 0" : "must be greater than or equal to 0";
        context.addIssue({ code: "custom", message });
      }
      return ms === 0 ? defaultMs : ms;
    })
    .default(defaultMs);
}

export function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const width = isIP(address) === 6 ? 128 : 32;
  return rest.length === 0 && parseIp(address) !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= width;
}

/** "IP:port", or an IP alone, which gets the port; "" is as if it lacked. */
export function listenAt(defaultPort: number) {
  return z.string().transform((text, context) => {
    if (text === "") return undefined;
    const full = isIP(text) ? hostPort(text, defaultPort) : text;
    const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(full);
    const host = match?.[1] ?? match?.[2] ?? "";
    const port = Number(match?.[3]);
    if (!match) context.addIssue({ code: "custom", message: "must be IP:port" });
    else if (!isIP(host)) context.addIssue({ code: "custom", message: "must be a valid IP" });
    else if (port < 1 || port > 65_535) context.addIssue({ code: "custom", message: "must be a valid port" });
    return { host, port };
  });
}
