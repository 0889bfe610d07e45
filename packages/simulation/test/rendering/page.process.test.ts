import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { historyAsHtml } from '@seaworthy/simulation'
import { type Browser, type Page, chromium } from 'playwright-core'
import { manyOrders } from './many-orders.ts'

const CHROMIUM = process.env['SEAWORTHY_CHROMIUM'] ?? '/usr/bin/chromium'
const skip = existsSync(CHROMIUM)
  ? false
  : `there is no ${CHROMIUM}. Install it (Debian: apt-get install --no-install-recommends chromium), or name yours in SEAWORTHY_CHROMIUM`

const ORDERS = 2_000

let folder: string
let browser: Browser

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'history-page-'))
  writeFileSync(join(folder, 'history.html'), historyAsHtml(manyOrders(ORDERS)))
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
  browser = await chromium.launch({ executablePath: CHROMIUM, args })
})

after(async () => {
  if (skip !== false) return
  await browser.close()
  rmSync(folder, { recursive: true })
})

/** Opens the page, and fails the test if it complains or asks for anything else. */
async function opened(t: TestContext, options: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
  const { width = 1_280, colorScheme = 'light' } = options
  const page = await browser.newPage({ viewport: { width, height: 700 }, colorScheme })
  const unwanted: string[] = []
  page.on('console', (message) => unwanted.push(message.text()))
  page.on('pageerror', (error) => unwanted.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) unwanted.push(request.url())
  })
  t.after(async () => {
    await page.close()
    assert.deepEqual(unwanted, [])
  })
  await page.goto(pathToFileURL(join(folder, 'history.html')).href)
  return page
}

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '')

test('of a long history the page shows what matters, and all of it for a key', { skip }, async (t) => {
  const page = await opened(t)
  assert.equal(await page.locator('main li:not(.fold):visible').count(), 4)
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), '✗ nothing is lost')
  await page.keyboard.press('a')
  assert.equal(await page.locator('main li:not(.fold):visible').count(), ORDERS * 3 + 2)
  await page.keyboard.press('a')
  assert.equal(await page.locator('main li:not(.fold):visible').count(), 4)
})

test('keys go from step to step and to the fault, which comes into view', { skip }, async (t) => {
  const page = await opened(t)
  await page.keyboard.press('n')
  assert.match(await focused(page), /orders stands still for 40\.0 s/)
  await page.keyboard.press('k')
  assert.match(await focused(page), /orders commits/)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  assert.match(await focused(page), /orders → customer place: done/)
  await page.keyboard.press('a')
  await page.keyboard.press('p')
  assert.ok((await page.locator('li.fault').boundingBox())!.y < 700)
})

test('the page follows the reader between light and dark, and fits a phone', { skip }, async (t) => {
  const paper = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const phone = await opened(t, { width: 390, colorScheme: 'dark' })
  assert.notEqual(await paper(phone), await paper(await opened(t)))
  assert.ok((await phone.evaluate(() => document.documentElement.scrollWidth)) <= 390)
  const text = await phone.locator('li.fault .text').boundingBox()
  assert.ok(text !== null && text.x >= 0 && text.x + text.width <= 390)
})
