/** A query parameter that is on or off. Any other text is refused: whoever writes `yes` must not be taken to have written `0`. */
import * as z from "zod";

export const switchSchema = z.enum(["0", "1", "false", "true"]).transform((text) => text === "1" || text === "true");
