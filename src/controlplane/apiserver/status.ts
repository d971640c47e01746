/** Errors as the API tells them: a Status object with reason, code and causes (api-conventions.md, "Response Status Kind"). */

export type StatusReason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Expired"
  | "Invalid"
  | "Timeout"
  | "ServerTimeout"
  | "TooManyRequests"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "ServiceUnavailable";

const codes: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
};

export interface Cause {
  /** FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, … */
  readonly reason: string;
  readonly message: string;
  /** Path of the field, "spec.containers[0].name". */
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The kind, or the resource's plural, as upstream has it for each reason. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

export class ApiError extends Error {
  readonly reason: StatusReason;
  readonly code: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, details?: StatusDetails) {
    super(message);
    this.reason = reason;
    this.code = codes[reason];
    this.details = details;
  }

  /** The Status object that a client gets. */
  toStatus(): object {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason,
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** What an error names: the resource's plural with its group, "deployments.apps". */
export interface Named {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** "pods", "deployments.apps" */
export function qualified({ group, plural }: Named): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export function notFound(resource: Named, name: string): ApiError {
  const details = { name, ...groupOf(resource), kind: resource.plural };
  return new ApiError("NotFound", `${qualified(resource)} "${name}" not found`, details);
}

export function alreadyExists(resource: Named, name: string): ApiError {
  const details = { name, ...groupOf(resource), kind: resource.plural };
  return new ApiError("AlreadyExists", `${qualified(resource)} "${name}" already exists`, details);
}

export function conflict(resource: Named, name: string, why: string): ApiError {
  const details = { name, ...groupOf(resource), kind: resource.plural };
  return new ApiError("Conflict", `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, details);
}

/** 422 with a cause for each field, in upstream's words. */
export function invalid(resource: Named, name: string, causes: readonly Cause[]): ApiError {
  const lines = causes.map((cause) => (cause.field === undefined ? cause.message : `${cause.field}: ${cause.message}`));
  const list = lines.length === 1 ? lines[0]! : `[${lines.join(", ")}]`;
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const details = { name, ...groupOf(resource), kind: resource.kind, causes };
  return new ApiError("Invalid", `${kind} "${name}" is invalid: ${list}`, details);
}

function groupOf(resource: Named): { group?: string } {
  return resource.group === "" ? {} : { group: resource.group };
}
