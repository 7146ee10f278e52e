/** PURE. The codings of a body that the platform's DecompressionStream reads, by their names in `Content-Encoding` (RFC 9110, 8.4.1). */
export const CODINGS: ReadonlyMap<string, "gzip" | "deflate"> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"], // the zlib format in both
]);
