import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import type { Metric } from '../../harness/suite.ts'

const WEB = fileURLToPath(new URL('../../../apps/console/web/', import.meta.url))

/** The page as it is sent: HTML, scripts and styles, each gzipped as a server would. Source maps are not sent unless somebody looks at them. */
async function measure(): Promise<number> {
  const outDir = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  try {
    await build({ root: WEB, configFile: join(WEB, 'vite.config.ts'), logLevel: 'error', build: { outDir, emptyOutDir: true } })
    const files = readdirSync(outDir, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(?:html|js|css)$/.test(name))
    if (files.length < 3) throw new Error(`The build has made ${files.join(', ')} and nothing else.`)
    return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(outDir, name))).length, 0) / 1_000
  } finally {
    rmSync(outDir, { recursive: true, force: true })
  }
}

const KILOBYTES_MAX = 120

export const appKbMetrics: readonly Metric[] = [
  {
    name: 'app-kb',
    unit: 'kB gzipped',
    better: 'lower',
    peer: 'what the page may weigh',
    target: { oursMax: KILOBYTES_MAX },
    note: 'All pages of the console: HTML, scripts and styles. Built anew.',
    rounds: 1,
    count: async () => ({ ours: await measure(), peer: KILOBYTES_MAX }),
  },
]
