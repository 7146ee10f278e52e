/** The console: one page, built into the same Worker. */
import { render } from "preact";
import { Shell } from "./shell.tsx";
import { paintTheme } from "./theme.ts";
import "./style.css";

paintTheme();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
root.replaceChildren();
render(<Shell />, root);
