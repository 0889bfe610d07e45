import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

// `vite build apps/console/web`. JSX becomes calls of preact's runtime by vite itself; no plug-in is needed.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The library as it is here, and not as it was built some time ago.
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: false,
    // An inlined asset would need `data:` in the Content-Security-Policy; a hashed file is cached for good.
    assetsInlineLimit: 0,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // `vite apps/console/web` beside a running console, to work on the page.
  server: { host: '127.0.0.1', proxy: { '/api': { target: 'http://127.0.0.1:4000', changeOrigin: true } } },
})
