/** The lockfiles: what is installed is what was looked at. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test.each(["package-lock.json", "bench/peer/package-lock.json", "test/generated/package-lock.json"])(
  "every package in %s has the digest of what is to be installed",
  (file) => {
    const lock = JSON.parse(readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")) as {
      packages: Record<string, { integrity?: string }>;
    };
    const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
    expect(packages.length).toBeGreaterThan(30);
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
  },
);
