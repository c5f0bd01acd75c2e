import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { serviceWorker } from "./service-worker";

const BACKEND = process.env.SHORTLY_BACKEND ?? "http://localhost:8000";

export default defineConfig({
  plugins: [react(), serviceWorker()],
  build: {
    outDir: "../src/shortly/ui",
    emptyOutDir: true,
    assetsDir: "assets",
    target: "es2022",
    sourcemap: false,
    manifest: false,
    rolldownOptions: { output: { minify: true } },
  },
  server: {
    port: 3000,
    proxy: { "/api": BACKEND, "/docs": BACKEND, "/health": BACKEND, "/openapi.json": BACKEND },
  },
  test: { environment: "jsdom", setupFiles: ["src/test/setup.ts"], globals: false, css: false, testTimeout: 60_000 },
});
