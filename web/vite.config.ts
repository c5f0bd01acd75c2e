import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { frameFirst } from "./frame-first";
import { serviceWorker } from "./service-worker";

const BACKEND = process.env.SHORTLY_BACKEND ?? "http://localhost:8000";

export default defineConfig({
  plugins: [react(), frameFirst(), serviceWorker()],
  build: {
    outDir: "../src/shortly/ui",
    emptyOutDir: true,
    assetsDir: "assets",
    target: "es2022",
    sourcemap: false,
    manifest: false,
    rolldownOptions: {
      output: {
        minify: true,
        // Each file costs a round trip: one for what every screen needs, one more for the home screen.
        codeSplitting: {
          groups: [
            { name: "start", tags: ["$initial"], priority: 2 },
            { name: "home", test: /\/features\/home\/Home\.tsx$/, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    port: 3000,
    proxy: { "/api": BACKEND, "/docs": BACKEND, "/health": BACKEND, "/openapi.json": BACKEND },
  },
  test: { environment: "jsdom", setupFiles: ["src/test/setup.ts"], globals: false, css: false, testTimeout: 60_000 },
});
