import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, after, before } from 'node:test'
import { type Browser, type Locator, type Page, chromium } from 'playwright-core'
import { otlpRequest, type SpanSpec } from './checkout-trace.ts'
import { CHROMIUM, startLookedAt } from './looked-at.ts'

export { given } from './looked-at.ts'

/** Why the pages cannot be looked at here, if so: for `test`. */
export const skip = existsSync(CHROMIUM)
  ? false
  : `there is no ${CHROMIUM}. Install it (Debian: apt-get install --no-install-recommends chromium), or name yours in SEAWORTHY_CHROMIUM`

let lookedAt: Awaited<ReturnType<typeof startLookedAt>>
let browser: Browser
let url: string

before(async () => {
  if (skip !== false) return
  lookedAt = await startLookedAt()
  url = lookedAt.url
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
})

after(async () => {
  await browser?.close()
  await lookedAt?.stop()
})

export async function send(spans: readonly SpanSpec[], traceId: string, correlationId: string): Promise<void> {
  const body = JSON.stringify(otlpRequest(spans, { traceId, correlationId, startMs: Date.now() }))
  const response = await fetch(`${url}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.equal(response.status, 200)
  const endMs = performance.now() + 5_000
  while ((await fetch(`${url}/api/traces/${traceId}`)).status !== 200) assert.ok(performance.now() < endMs, 'the trace is stored')
}

interface SentLog {
  readonly service: string
  readonly severityNumber: number
  readonly message: string
  readonly traceId: string
  readonly correlationId: string
}

export async function sendLogs(logs: readonly SentLog[]): Promise<void> {
  const body = JSON.stringify({
    resourceLogs: logs.map(({ service, severityNumber, message, traceId, correlationId }) => ({
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
              severityNumber,
              traceId,
              body: { stringValue: message },
              attributes: [{ key: 'correlationId', value: { stringValue: correlationId } }],
            },
          ],
        },
      ],
    })),
  })
  const response = await fetch(`${url}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.equal(response.status, 200)
}

/** A page in which anything that goes wrong, and any request that leaves the machine, fails the test. */
export async function openPage(
  t: TestContext,
  path: string,
  options: { colorScheme?: 'light' | 'dark'; width?: number } = {},
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1_280, height: 800 },
    colorScheme: options.colorScheme ?? 'light',
  })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const wrong: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) wrong.push(`asked for ${request.url()}`)
  })
  t.after(async () => {
    await context.close()
    assert.deepEqual(wrong, [])
  })
  await page.goto(url + path)
  return page
}

/** Where the time of a row of the waterfall has a colour, its service's or that of a token, `y` pixels below its top: from left to right, in the page's pixels. */
export function inkOf(row: Locator, y = 12, token?: string): Promise<readonly { readonly x: number; readonly width: number }[]> {
  return row.evaluate(
    (element, { y, token }) => {
      const canvas = element.parentElement!.querySelector('canvas')!
      const box = canvas.getBoundingClientRect()
      const ratio = canvas.width / box.width
      const probe = document.createElement('span')
      const service = element.getAttribute('aria-label')!.split(':')[0]!
      probe.className = document.querySelector(`.legend .service[title="${service}"]`)!.className
      probe.style.color = token === undefined ? 'var(--service)' : `var(--${token})`
      document.body.append(probe)
      const wanted = getComputedStyle(probe).color.match(/\d+/g)!.map(Number)
      probe.remove()
      const from = (document.querySelector('.axis-track')!.getBoundingClientRect().left - box.left) * ratio
      const line = Math.round((element.getBoundingClientRect().top - box.top + y) * ratio)
      // From a copy: a canvas that is read is drawn otherwise from then on.
      const copy = new OffscreenCanvas(canvas.width, 1).getContext('2d', { willReadFrequently: true })!
      copy.drawImage(canvas, 0, -line)
      const { data } = copy.getImageData(0, 0, canvas.width, 1)
      const found: { x: number; width: number }[] = []
      for (let at = Math.floor(from), last = -2; at < canvas.width; at++) {
        // Edges between two pixels are mixed.
        if ([0, 1, 2].some((channel) => Math.abs(data[at * 4 + channel]! - wanted[channel]!) > 2) || data[at * 4 + 3]! < 128) continue
        if (at > last + 1) found.push({ x: box.left + at / ratio, width: 1 / ratio })
        else found.at(-1)!.width += 1 / ratio
        last = at
      }
      return found
    },
    { y, token },
  )
}
