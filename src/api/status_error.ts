/** What the server refused, as its Status says it (meta/v1 Status), or that it could not be reached. */

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export class StatusError extends Error {
  /** HTTP's; 0 where no answer came. */
  readonly code: number;
  /** "NotFound", "Conflict", …; "" where the server gave none. */
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StatusError";
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

function has(error: unknown, ...reasons: string[]): boolean {
  return error instanceof StatusError && reasons.includes(error.reason);
}

export const isNotFound = (error: unknown): boolean => has(error, "NotFound");
export const isAlreadyExists = (error: unknown): boolean => has(error, "AlreadyExists");
export const isConflict = (error: unknown): boolean => has(error, "Conflict");
export const isInvalid = (error: unknown): boolean => has(error, "Invalid");
export const isBadRequest = (error: unknown): boolean => has(error, "BadRequest");
export const isForbidden = (error: unknown): boolean => has(error, "Forbidden");
export const isMethodNotAllowed = (error: unknown): boolean => has(error, "MethodNotAllowed");
export const isTooManyRequests = (error: unknown): boolean => has(error, "TooManyRequests");
/** The version to go on from is too old: list again. */
export const isExpired = (error: unknown): boolean => has(error, "Expired", "Gone");

/** A namespace that is being deleted takes nothing new (lifecycle admission's cause). */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!isForbidden(error)) return false;
  return (error as StatusError).details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;
}
