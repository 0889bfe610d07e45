import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkoutSpans } from './checkout-trace.ts'
import { openPage, send, skip } from './pages-fixture.ts'
import { lockedCheckout } from './slow-traces.ts'

const LOCKED = 'a'.repeat(32)
const HOLDER = '4bf92f3577b34da6a3ce929d0e0e4736'
const SENTENCE =
  '92 % of this checkout is inventory waiting for a lock held by nightly-recount (trace 4bf92f35…), idle in transaction for 1.6 s.'

test('a trace says why it was slow, and leads to the span, and to the trace that held the lock', { skip }, async (t) => {
  await send(lockedCheckout(), LOCKED, 'alpha')
  await send([{ service: 'nightly-recount', name: 'recount', kind: 'internal', start: 0, end: 3_000 }], HOLDER, 'night')
  const page = await openPage(t, `/traces/${LOCKED}`)
  const verdict = page.getByRole('region', { name: 'Why is it slow?' })
  await verdict.getByText(SENTENCE).waitFor()
  await verdict.getByRole('img', { name: /^lock wait 92 %, own code / }).waitFor()

  // Where the system's own colours are forced on everything, the parts can still be told apart.
  await page.emulateMedia({ forcedColors: 'active' })
  const swatches = await verdict.locator('.cause-swatch').evaluateAll((all) =>
    all.map((swatch) => {
      const { backgroundColor, backgroundImage } = getComputedStyle(swatch)
      return [swatch.className, `${backgroundColor} ${backgroundImage}`] as const
    }),
  )
  const looks = new Map(swatches)
  assert.ok(looks.size >= 4, `${looks.size} tones are shown`)
  assert.equal(new Set(looks.values()).size, looks.size)
  await page.emulateMedia({ forcedColors: null })

  // By keyboard: to the span that most of the time went to, and its own parts.
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'tree')
  await page.keyboard.press('w')
  await page.keyboard.press('Enter')
  const details = page.getByRole('complementary', { name: 'Span details' })
  await details.getByRole('heading', { name: 'UPDATE stock' }).waitFor()
  await details.getByRole('img', { name: /^lock wait 99 %, query / }).waitFor()

  await details.getByText('The lock was held by nightly-recount, idle in transaction for 1.61 s.').waitFor()

  await verdict.getByRole('button', { name: /network/ }).click()
  await details.getByRole('heading', { name: 'inventory.v1.Inventory/Reserve' }).waitFor()

  await verdict.getByRole('link', { name: 'Open the holder’s trace' }).click()
  await page.waitForURL(`**/traces/${HOLDER}?span=*`)
  await page.getByRole('heading', { name: 'recount' }).waitFor()
})

test('the slow traces of an operation are held against the usual ones', { skip }, async (t) => {
  for (let number = 1; number < 20; number++) await send(checkoutSpans(), number.toString().padStart(32, '0'), `c-${number}`)
  await send(lockedCheckout('gateway'), 'd'.repeat(32), 'delta')
  const page = await openPage(t, '/traces/' + 'd'.repeat(32))
  await page.getByRole('tree').waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('y')
  await page.waitForURL('**/slow')
  const row = page.getByRole('link', { name: 'POST /api/checkout' }).first()
  await row.waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/slow?service=gateway&name=*')
  const comparison = page.getByRole('region', { name: 'The slow against the usual' })
  await comparison.getByText(/99 % of the difference is inventory waiting for a lock/).waitFor()
  const table = comparison.getByRole('table', { name: /Where the time goes/ })
  assert.match(await table.locator('tbody tr').first().innerText(), /^lock wait postgresql\s+inventory\s+0 µs\s+1\.60 s/)
  await comparison.getByRole('link', { name: 'd'.repeat(32) }).click()
  await page.waitForURL('**/traces/' + 'd'.repeat(32))
})
