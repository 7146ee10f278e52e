/** Guards return nothing or throw a problem. */
import { digestOf, sameText } from "../keys/key.ts";
import { problem } from "../problem.ts";

/** The operator's token, compared by digest so that neither length nor content shows in the time it takes. */
export async function mustBeOperator(request: Request, adminToken: string): Promise<void> {
  const token = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  if (!sameText(await digestOf(token), await digestOf(adminToken))) {
    throw problem("invalid_admin_token", {
      detail: "Operator's calls need the deployment's token: Authorization: Bearer <ADMIN_TOKEN>.",
      headers: { "WWW-Authenticate": 'Bearer realm="claimcheck-admin"' },
    });
  }
}
