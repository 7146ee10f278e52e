/** How the console is built: hashed files below /console/assets, nothing inline, so that a strict Content-Security-Policy holds. */
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  clearScreen: false,
  logLevel: "warn",
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
  },
});
