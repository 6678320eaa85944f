// One HTML file with everything in it, which opens from disk and without a network.
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  // Plotly's parts are CommonJS of the browserify age: they name `global`.
  define: { global: "globalThis" },
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { target: "es2020", chunkSizeWarningLimit: 4000, reportCompressedSize: false },
});
