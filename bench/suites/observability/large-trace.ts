import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogger } from '@seaworthy/telemetry/logger'
import { type Browser, chromium, type Page } from 'playwright-core'
import { lifecycle } from 'seaworthy/system'
import { build } from 'vite'
import { readConfig } from '../../../apps/console/src/config.ts'
import { startConsole } from '../../../apps/console/src/console.ts'
import type { Metric } from '../../harness/suite.ts'
import { largeTraceRequests, SPANS, TRACE_ID } from './large-trace-spans.ts'

const CHROMIUM = process.env['SEAWORTHY_CHROMIUM'] ?? '/usr/bin/chromium'
const WEB = fileURLToPath(new URL('../../../apps/console/web/', import.meta.url))
const PAINT_MS_MAX = 1_000
const FRAME_MS_MAX = 32
const VISITS = { quick: 1, full: 5 }
const FRAMES = 240
const SCROLLED_PX = 700

interface Figures {
  /** From the beginning of the navigation until the frame after the one in which the first bars were in the document; the median visit. */
  readonly paintMs: number
  /** Between two frames while it is scrolled from the top down. */
  readonly frameP95Ms: number
}

/** A console with one trace of 50,000 spans, looked at in chromium. */
async function measure(visits: number): Promise<Figures> {
  await using cleanUp = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-bench-'))
  cleanUp.defer(() => rmSync(folder, { recursive: true, force: true }))
  const pageFolder = join(folder, 'web')
  await build({ root: WEB, configFile: join(WEB, 'vite.config.ts'), logLevel: 'error', build: { outDir: pageFolder } })
  const port = await freePort()
  const life = lifecycle()
  const logger = createLogger({ service: 'console', instance: 'console-1', level: 'silent' })
  const config = readConfig({ SEAWORTHY_DATA_DIR: folder, SEAWORTHY_CONSOLE_PORT: String(port) })
  await startConsole(config, { logger, life, pageFolder })
  cleanUp.defer(() => life.stop('the benchmark is over'))
  const url = `http://127.0.0.1:${port}`
  await store(url)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  cleanUp.defer(() => browser.close())
  const looked: Figures[] = []
  for (let visit = 0; visit < visits; visit++) looked.push(await look(browser, `${url}/traces/${TRACE_ID}`))
  const middle = (of: keyof Figures) => looked.map((figures) => figures[of]).toSorted((a, b) => a - b)[Math.floor(visits / 2)]!
  return { paintMs: middle('paintMs'), frameP95Ms: middle('frameP95Ms') }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function store(url: string): Promise<void> {
  for (const body of largeTraceRequests()) {
    const sent = await fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (sent.status !== 200) throw new Error(`The console took no spans: ${sent.status} ${await sent.text()}`)
    for (let queued = 1; queued > 0;) {
      const state = (await (await fetch(`${url}/api/services`)).json()) as { ingest: { queued: number; dropped: number } }
      if (state.ingest.dropped > 0) throw new Error('The console has dropped spans.')
      queued = state.ingest.queued
    }
  }
}

async function look(browser: Browser, address: string): Promise<Figures> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 800 } })
  try {
    const page = await context.newPage()
    await page.addInitScript(WATCH_FIRST_BAR)
    await page.goto(address)
    const painted = await page.waitForFunction(() => (globalThis as { paintedMs?: number }).paintedMs, undefined, { timeout: 60_000 })
    const paintMs = (await painted.jsonValue()) as number
    // Not before all of it is there: the rows of its first part are fewer than it is scrolled through.
    await page.getByRole('region', { name: 'Why is it slow?' }).waitFor({ timeout: 60_000 })
    return { paintMs, frameP95Ms: await scrolled(page) }
  } finally {
    await context.close()
  }
}

/** Runs before the page's own scripts: waits for rows with their names and for ink on the canvas where their bars are, at its right. The second frame begins when the first has been painted. */
const WATCH_FIRST_BAR = `(() => {
  const isDrawn = () => {
    const canvas = document.querySelector('[role=tree] canvas')
    if (canvas === null || canvas.width === 0 || document.querySelectorAll('[role=treeitem]').length < 20) return false
    // From a copy: a canvas that is read is drawn otherwise from then on.
    const copy = new OffscreenCanvas(500, 200).getContext('2d', { willReadFrequently: true })
    copy.drawImage(canvas, 500 - canvas.width, 0)
    const { data } = copy.getImageData(0, 0, 500, 200)
    const inked = new Set()
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) inked.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2])
    // The lines of the grid are one colour, each service's bars another.
    return inked.size > 2
  }
  const look = () => {
    if (!isDrawn()) requestAnimationFrame(look)
    else requestAnimationFrame(() => requestAnimationFrame(() => { globalThis.paintedMs = performance.now() }))
  }
  requestAnimationFrame(look)
})()`

async function scrolled(page: Page): Promise<number> {
  const frames = await page.evaluate(
    async ({ count, px }) => {
      const rows = document.querySelector('[role=tree]')!
      const deltas: number[] = []
      let last = await new Promise<number>(requestAnimationFrame)
      for (let frame = 0; frame < count; frame++) {
        rows.scrollTop += px
        const now = await new Promise<number>(requestAnimationFrame)
        deltas.push(now - last)
        last = now
      }
      return { deltas, scrollTop: rows.scrollTop }
    },
    { count: FRAMES, px: SCROLLED_PX },
  )
  if (frames.scrollTop < FRAMES * SCROLLED_PX * 0.9) throw new Error(`It was scrolled to ${frames.scrollTop} px alone.`)
  return frames.deltas.toSorted((a, b) => a - b)[Math.floor(FRAMES * 0.95)]!
}

let figures: Promise<Figures> | undefined

const metric = (name: string, of: keyof Figures, max: number, note: string): Metric => ({
  name,
  unit: 'ms',
  better: 'lower',
  peer: 'what it may take',
  target: { oursMax: max },
  note,
  rounds: 1,
  missing: async () =>
    existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}. Install it (Debian: chromium), or name yours in SEAWORTHY_CHROMIUM`,
  // Both figures come from the same visits.
  count: async ({ quick }) => ({ ours: (await (figures ??= measure(quick ? VISITS.quick : VISITS.full)))[of], peer: max }),
})

export const largeTraceMetrics: readonly Metric[] = [
  metric(
    'first-paint-50000-ms',
    'paintMs',
    PAINT_MS_MAX,
    `A trace of ${SPANS.toLocaleString('en')} spans opened in a browser that has nothing cached, until its first bars are painted: those of its first part, while others are under way.`,
  ),
  metric(
    'frame-p95-ms',
    'frameP95Ms',
    FRAME_MS_MAX,
    `The same trace, once all of it is there, scrolled by ${SCROLLED_PX} px a frame, ${FRAMES} frames: time from frame to frame.`,
  ),
]
