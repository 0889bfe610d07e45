import { fileURLToPath, pathToFileURL } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import type * as registry from './src/pages/registry.ts'

/** Says in the build's own folder which addresses its pages have, for the server that answers them. */
const addresses: Plugin = {
  name: 'addresses-of-pages',
  async generateBundle() {
    // By an address that nobody can follow beforehand, or all pages would be built into this configuration.
    const { PAGES } = (await import(new URL('src/pages/registry.ts', import.meta.url).href)) as typeof registry
    const source = JSON.stringify(PAGES.flatMap((page) => page.addresses))
    this.emitFile({ type: 'asset', fileName: 'addresses.json', source })
  },
}

const WORKER = /new URL\('(\.\/[\w-]+-worker\.ts)', import\.meta\.url\)/g

/** Workers as entries of the page's own build, so that what page and worker have in common is sent once: left to itself, vite bundles each worker as if it were alone. */
const workers: Plugin = {
  name: 'workers-of-the-same-build',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (!code.includes('new Worker(')) return undefined
    return code.replace(WORKER, (_, path: string) => {
      const reference = this.emitFile({ type: 'chunk', id: fileURLToPath(new URL(path, pathToFileURL(id))) })
      return `import.meta.ROLLUP_FILE_URL_${reference}`
    })
  },
}

/** What would bring a page's styles before its script: there is one file of styles, and it is there already. */
const preloads: Plugin = {
  name: 'nothing-to-preload',
  apply: 'build',
  enforce: 'pre',
  load: (id) => (id.endsWith('vite/preload-helper.js') ? 'export const __vitePreload = (load) => load()' : undefined),
}

// `vite build apps/console/web`. JSX becomes calls of preact's runtime by vite itself; no plug-in is needed.
export default defineConfig({
  plugins: [addresses, workers, preloads],
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The library as it is here, and not as it was built some time ago.
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
    // Those that know `light-dark()`: it is not written out for older ones.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: false,
    // One file: it weighs less than its parts with what would bring each of them, and no page waits for its own.
    cssCodeSplit: false,
    // An inlined asset would need `data:` in the Content-Security-Policy; a hashed file is cached for good.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What knows no document: a worker has none.
            { name: 'model', test: /\/(?:packages\/\w+|apps\/console\/src|web\/src\/view-model)\//, minShareCount: 2, priority: 1 },
            // What several pages share comes with the first of them: forty files of some bytes each weigh more than they save.
            { name: 'shared', minShareCount: 2 },
          ],
        },
      },
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // `vite apps/console/web` beside a running console, to work on the page.
  server: { host: '127.0.0.1', proxy: { '/api': { target: 'http://127.0.0.1:4000', changeOrigin: true } } },
})
