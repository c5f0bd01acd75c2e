import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { firstScreen } from "./first-screen";
import { serviceWorker } from "./service-worker";

const BACKEND = process.env.SHORTLY_BACKEND ?? "http://localhost:8000";

export default defineConfig({
  plugins: [react(), firstScreen(), serviceWorker()],
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
        // Each file costs a round trip: one for what every screen needs, one more for the home screen. What is needed
        // before those is in none of them, or else it would wait for them.
        codeSplitting: {
          groups: [
            { name: "early", test: /vite\/preload-helper|\/pwa\/install\.ts$/, priority: 3 },
            { name: "start", test: /\/src\/app\/start\.tsx$/, priority: 2 },
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
