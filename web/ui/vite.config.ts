// Builds the browser interface into dist/web/public, which the site server serves with a strict
// content policy: hashed file names, nothing inlined, hls.js in a chunk of its own.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  // The build of msgpackr that never tries to compile code: the content policy forbids that,
  // loudly.
  resolve: { alias: [{ find: /^msgpackr$/, replacement: 'msgpackr/index-no-eval' }] },
  build: {
    outDir: fileURLToPath(new URL('../../dist/web/public', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    sourcemap: true,
    // hls.js is one 500 kB chunk by design, fetched only by a room page that shows video.
    chunkSizeWarningLimit: 700,
  },
});
