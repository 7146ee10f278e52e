/** docs/openapi.json: fresh, valid by two validators, and silent about nothing. */
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { CLIENT_TYPES_FILE, clientTypes } from "../support/client-types.ts";
import { OPENAPI_FILE, openApiText, undescribed } from "../support/openapi.ts";

const text = readFileSync(OPENAPI_FILE, "utf8");

test("is what the routes, their schemas and the examples make of it", () => {
  expect(openApiText() === text, "run `npm run reference`").toBe(true);
});

test("types the client as it describes the API", async () => {
  expect((await clientTypes()) === readFileSync(CLIENT_TYPES_FILE, "utf8"), "run `npm run reference`").toBe(true);
});

test("describes every member of every schema", () => {
  openApiText();
  expect([...new Set(undescribed)], "say it by .describe() in the schema, or in test/support/glossary.ts").toEqual([]);
});

/** What the second validator finds: the rules of the specification, and examples that their schemas refuse. */
async function found(source: string): Promise<string[]> {
  const rules = {
    "no-invalid-media-type-examples": "error",
    "no-invalid-parameter-examples": "error",
    "no-unused-components": "error",
  } as const;
  const config = await createConfig({ extends: ["spec"], rules });
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
}

describe("by two validators", { timeout: 60_000 }, () => {
  test("it is OpenAPI 3.1", async () => {
    expect(await new Validator().validate(text)).toMatchObject({ valid: true });
    expect(await found(text)).toEqual([]);
  });

  test("an example that its schema refuses is found", async () => {
    const wrong = text.replace('"is_final": true', '"is_final": "yes"');
    expect(wrong).not.toBe(text);
    expect(await found(wrong)).not.toEqual([]);
  });
});
