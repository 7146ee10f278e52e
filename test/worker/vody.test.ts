import { describe, expect, test } from "vitest";
import { as, backendIs, echo, newBackend, newModel, newTenant, object, until } from "./support.ts";

describe("a batch of pictures through the Vody API", () => {
  test("goes from submit to results", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model);
    backendIs(echo);
    const submitted = await as(key, "POST", `/inference/${model}`, [{ image_path: "https://img.test/1.png", product_type: "Chair" }]);
    expect(submitted.status).toBe(202);
    const { id } = await object(submitted);
    const status = await until(
      () => object(as(key, "GET", `/inference/${String(id)}/status`)),
      (answer) => answer["status"] === "completed",
    );
    expect(status).toMatchObject({ status: "completed", response_code: "200", request_item_count: "1", response_item_count: "1" });
    const results = await as(key, "GET", `/inference/${String(id)}/results`);
    expect(await results.json()).toEqual([{ echo: "https://img.test/1.png" }]);
  });
});
