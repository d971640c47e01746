/** Who asks (authentication.k8s.io, UserInfo). */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const anonymous: User = { username: "system:anonymous", groups: ["system:unauthenticated"] };

/** Adds the group that everybody has who is known. */
export function authenticated(user: User): User {
  return { ...user, groups: [...new Set([...user.groups, "system:authenticated"])] };
}
