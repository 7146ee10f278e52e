/**
 * Cloudflare Access in front of the console: who it has let in says so with a token in a header, signed by the team's keys. The token is
 * checked here too, since the Worker may also be reached by a host that Access does not guard.
 * Source: developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
 */
import { type JWTVerifyGetKey, createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { Access } from "../config.ts";
import { log } from "../platform/log.ts";
import { oncePer } from "../platform/memory.ts";
import { Unavailable } from "../platform/unavailable.ts";

const HEADER = "cf-access-jwt-assertion";
const NAME_CHARACTERS = 256;

/** The team's keys: kept by the isolate, and asked for again when a token names one that is not among them. */
const keysOf = oncePer(({ issuer }: Access): JWTVerifyGetKey => createRemoteJWKSet(new URL("/cdn-cgi/access/certs", issuer)));

/** Whom Access has let in, by e-mail address or by the name of a service token; null if nobody. */
export async function letInBy(access: Access, request: Request): Promise<string | null> {
  const token = request.headers.get(HEADER);
  if (token === null) return null;
  try {
    const wanted = { issuer: access.issuer, audience: access.audience, algorithms: ["RS256"], requiredClaims: ["exp"] };
    const { payload } = await jwtVerify(token, keysOf(access), wanted);
    const name = payload["email"] ?? payload["common_name"];
    return typeof name === "string" && name !== "" ? name.slice(0, NAME_CHARACTERS) : null;
  } catch (error) {
    if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw new Unavailable("access", false, error);
    log("access_token_refused", { reason: error.code });
    return null;
  }
}
