/** Tokens from a file (--token-auth-file): lines of `token,user,uid,"group1,group2"`. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { FairleadError } from "../../../../errors/catalogue.ts";
import type { User } from "../../context.ts";
import type { TokenAuthenticator } from "./authenticator.ts";

/** Reads the file once, at the start. @throws FairleadError CERTIFICATE_FILE that names the file and the line */
export function tokenFile(file: string): TokenAuthenticator {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
  const users = usersOf(file, text);
  return {
    authenticateToken(token) {
      const user = users.get(hashOf(token));
      return user && { user };
    },
  };
}

/** Users by the hash of their token: how long a comparison takes says nothing of a token. */
function usersOf(file: string, text: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [token, name, uid, groups] = fieldsOf(line);
    if (!token || !name || uid === undefined) {
      const reason = `line ${index + 1} needs at least three columns: token, user name, user uid`;
      throw new FairleadError("CERTIFICATE_FILE", { subject: file, reason });
    }
    const all = (groups ?? "").split(",").map((group) => group.trim());
    users.set(hashOf(token), {
      name,
      ...(uid === "" ? {} : { uid }),
      groups: all.filter((group) => group !== ""),
    });
  }
  return users;
}

/** Fields of one line of CSV; a quoted field may hold commas, and two quotes for one (RFC 4180). */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  for (const [whole, quoted, plain] of line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)) {
    fields.push(quoted?.replaceAll('""', '"') ?? (plain ?? "").trim());
    if (!whole.endsWith(",")) break;
  }
  return fields;
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
