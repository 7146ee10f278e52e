/** The examples of fal's wire. */
import { as, object } from "./requests.ts";
import type { Example, World } from "./examples.ts";

type Make = (world: World) => Example | Promise<Example>;

const app = "color-classification";
const PICTURE = { image_path: "https://example.com/sneaker.png", product_type: "Shoes" };
const input: Make = () => ({ params: { app }, body: [PICTURE] });
const byQuery: Make = () => ({ params: { app }, query: { image_path: PICTURE.image_path } });
const done: Make = ({ done: id }) => ({ params: { app, id } });

const upload = async ({ key }: World): Promise<Example> => {
  const { upload_url } = await object(as(key, "POST", "/fal/rest/storage/upload/initiate", { content_type: "image/png" }));
  return { params: { token: String(upload_url).split("/").at(-1) ?? "" }, body: "a picture", contentType: "image/png" };
};

export const FAL: Readonly<Record<string, Make>> = {
  "POST /fal/queue/{app}": () => ({
    params: { app },
    query: { fal_webhook: "https://app.example.com/hooks" },
    body: [PICTURE],
    headers: { "X-Fal-Queue-Priority": "low" },
  }),
  "GET /fal/queue/{app}": byQuery,
  "GET /fal/queue/{app}/requests/{id}/status": ({ done: id }) => ({ params: { app, id }, query: { logs: "1" } }),
  "GET /fal/queue/{app}/requests/{id}/status/stream": done,
  "GET /fal/queue/{app}/requests/{id}": done,
  "GET /fal/queue/{app}/requests/{id}/response": done,
  "PUT /fal/queue/{app}/requests/{id}/cancel": async ({ key }) => ({
    params: { app: "idle", id: String((await object(as(key, "POST", "/fal/queue/idle", [PICTURE])))["request_id"]) },
  }),
  "POST /fal/run/{app}": input,
  "POST /fal/run/{app}/stream": () => ({
    params: { app: "chat" },
    body: { messages: [{ role: "user", content: "What colour is the sky?" }] },
  }),
  "GET /fal/run/{app}": byQuery,
  "POST /fal/rest/storage/upload/initiate": () => ({ body: { content_type: "image/png", file_name: "sneaker.png" } }),
  "PUT /fal/rest/storage/files/{token}": upload,
};
