/** Why a pod may not run on this node: what its status says of it. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
}
