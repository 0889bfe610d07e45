import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { otlpRequest } from '../apps/console/test/checkout-trace.ts'
import { CHROMIUM, startLookedAt } from '../apps/console/test/looked-at.ts'
import { lockedCheckout } from '../apps/console/test/slow-traces.ts'
import { checkout, createCustomer, type Product, request } from '../test/end-to-end/client.ts'
import { type Shop, startShop, until } from '../test/end-to-end/shop.ts'

/**
 * Takes the pictures of the console that the docs show, of the page as it is built here (`npm run build:console` first): those of traffic of a shop that is started for
 * it, those of a past that takes days of what the pages' tests are given. `shop` or `fixtures` as an argument: those alone.
 */
const DOCS = fileURLToPath(new URL('../docs/', import.meta.url))
const CHECKOUTS = 30
const FAILING_CHECKOUTS = 40

/** Looks at a page until `isReady` has what it is about, and writes the picture of it. */
async function picture(browser: Browser, { name, url, width = 1_280, height = 800, isReady }: Shot): Promise<void> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' })
  await page.goto(url)
  await isReady(page)
  // What is under way when it comes: news, a verdict.
  await page.waitForTimeout(500)
  await page.screenshot({ path: `${DOCS}${name}.png` })
  await page.close()
  console.log(`docs/${name}.png`)
}

interface Shot {
  readonly name: string
  readonly url: string
  readonly width?: number
  readonly height?: number
  readonly isReady: (page: Page) => Promise<unknown>
}

async function ofTheShop(browser: Browser): Promise<void> {
  await using shop = await startShop()
  const customerId = await createCustomer(shop.gateway, 'Ada Lovelace')
  const { body } = await request<{ items: Product[] }>(`${shop.gateway}/api/products?page=1`)
  const order = { customerId, lines: [{ productId: body.items[0]!.id, quantity: 1 }], card: 'ok' }
  for (let count = 0; count < CHECKOUTS; count++) await checkout(shop.gateway, order)
  await picture(browser, {
    name: 'console-trace',
    url: `${shop.console}/traces/${await usualCheckout(shop)}`,
    width: 1_440,
    height: 1_400,
    isReady: (page) => page.locator('.verdict').waitFor(),
  })
  const fault = { service: 'payments', fault: { kind: 'errors', ratio: 0.9 } }
  await request(`${shop.console}/api/faults`, { body: fault, headers: { origin: shop.console } })
  for (let count = 0; count < FAILING_CHECKOUTS; count++) await checkout(shop.gateway, order)
  const isBroken = (page: Page) => page.locator('.badge', { hasText: /open/ }).first().waitFor()
  await picture(browser, { name: 'console-resilience', url: `${shop.console}/resilience`, height: 860, isReady: isBroken })
  await picture(browser, { name: 'console-map', url: `${shop.console}/map`, width: 1_440, height: 900, isReady: isBroken })
  const isOpened = async (page: Page) => {
    await page.locator('tbody a.row-link').first().click()
    await page.locator('.details').waitFor()
  }
  await picture(browser, { name: 'console-logs', url: `${shop.console}/logs?level=warn`, width: 1_440, height: 900, isReady: isOpened })
}

/** The id of a checkout with all that it sets off, neither the quickest nor the slowest. */
async function usualCheckout(shop: Shop): Promise<string> {
  const listed = async () => {
    const { body } = await request<{ traces: { traceId: string; root: { name: string }; spanCount: number; durationMs: number }[] }>(
      `${shop.console}/api/traces?limit=100`,
    )
    const checkouts = body.traces.filter(({ root }) => root.name === 'POST /api/checkout')
    const whole = checkouts.toSorted((one, other) => other.spanCount - one.spanCount).slice(0, CHECKOUTS / 3)
    return checkouts.length < CHECKOUTS ? undefined : whole.toSorted((one, other) => one.durationMs - other.durationMs)
  }
  const found = await until(listed, { timeoutMs: 60_000, what: 'the traces of whole checkouts' })
  return found[found.length >> 1]!.traceId
}

async function ofFixtures(browser: Browser): Promise<void> {
  const { url, stop } = await startLookedAt()
  try {
    const traceId = '5eaf'.repeat(8)
    const body = otlpRequest(lockedCheckout(), { traceId, correlationId: 'c-7', startMs: Date.now() - 60_000 })
    await request(`${url}/v1/traces`, { body })
    const shown = (text: string) => (page: Page) => page.getByText(text).first().waitFor()
    await picture(browser, {
      name: '5-observability/why-is-it-slow',
      url: `${url}/traces/${traceId}`,
      isReady: async (page) => {
        await page.locator('.verdict').waitFor()
        await page.keyboard.press('w')
        await page.keyboard.press('Enter')
        await page.getByText('Where its time went').waitFor()
      },
    })
    await picture(browser, {
      name: 'console-gateway',
      url: `${url}/gateway?gateway=gateway&route=reviews`,
      isReady: shown('Tenants with a share of their own'),
    })
    await picture(browser, {
      name: 'console-sagas',
      url: `${url}/saga?service=orders&id=order-7`,
      isReady: shown('What checkout 1 declares'),
    })
  } finally {
    await stop()
  }
}

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
try {
  if (process.argv[2] !== 'shop') await ofFixtures(browser)
  if (process.argv[2] !== 'fixtures') await ofTheShop(browser)
} finally {
  await browser.close()
}
