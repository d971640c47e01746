/** authentication.k8s.io: whose token is this, and who am I? */
import { TokenError, type TokenAuthenticator } from "../auth/tokens/authenticator.ts";
import { ApiError } from "../status.ts";
import { userInfo, type Answer } from "./review.ts";

export const selfSubjectReview: Answer = (_review, { user }) => ({ userInfo: userInfo(user) });

/** @param defaultAudiences those of the API, where the review names none */
export function tokenReview(tokens: TokenAuthenticator, defaultAudiences: readonly string[]): Answer {
  return async (review) => {
    const spec = (review["spec"] ?? {}) as { token?: string; audiences?: string[] };
    if (!spec.token) throw new ApiError("BadRequest", "token is required for TokenReview in authentication");
    const named = spec.audiences && spec.audiences.length > 0 ? spec.audiences : undefined;
    try {
      const identity = await tokens.authenticateToken(spec.token, named ?? defaultAudiences);
      if (!identity) return { user: {}, error: "[invalid bearer token]" };
      // A kind of token that knows no audiences is for the API alone.
      const audiences = identity.audiences ?? defaultAudiences.filter((audience) => named?.includes(audience) ?? true);
      if (audiences.length === 0) return { user: {}, error: "token is for another audience" };
      return { authenticated: true, user: userInfo(identity.user), audiences };
    } catch (error) {
      if (error instanceof TokenError) return { user: {}, error: error.message };
      throw error;
    }
  };
}
