import assert from 'node:assert/strict'
import { test } from 'node:test'
import { given, openPage, skip } from './pages-fixture.ts'
import { LONG_ID, TRACE, fakeSagas, mixedSagas } from './sagas-fixture.ts'

test('Sagas are listed, filtered by state and name, and one is opened by keyboard', { skip }, async (t) => {
  given.sagas = fakeSagas(mixedSagas(), [{ service: 'payments', problem: 'payments cannot be asked: it is backing-off.' }])
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('a')
  await page.waitForURL('**/sagas')
  await page.getByText('3 under way').waitFor()
  await page.getByText('1 service silent: payments').waitFor()
  assert.equal(await page.locator('.saga-grid tbody tr').count(), 6)
  await page.locator('.saga-states label', { hasText: 'compensating' }).click()
  await page.waitForURL('**/sagas?state=compensating')
  await page.getByRole('row', { name: /order-8/ }).waitFor()
  assert.equal(await page.locator('.saga-grid tbody tr').count(), 1)
  await page.getByLabel('Saga', { exact: true }).selectOption('book a whole trip')
  await page.getByRole('heading', { name: 'No saga matches' }).waitFor()
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.locator('.saga-grid tbody tr').nth(5).waitFor()
  await page.evaluate(() => (document.activeElement as HTMLElement).blur())
  for (let row = 0; row < 3; row++) await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/saga?service=orders&id=order-7')
  await page.getByText('Parked:').waitFor()
})

test('one saga shows its graph, its attempts, its trace, and who decided what', { skip }, async (t) => {
  given.sagas = fakeSagas(mixedSagas())
  const page = await openPage(t, '/saga?service=orders&id=order-7')
  const steps = page.getByRole('table', { name: 'Steps, with their attempts and compensations' })
  await steps.getByText('3 attempts, 2 compensations').waitFor()
  await steps.getByText('refund-refused: The bank refuses the refund: the account was closed.').first().waitFor()
  assert.equal(await page.locator('.graph-node').count(), 3)
  assert.match((await page.locator('.graph-node', { hasText: 'charge' }).getAttribute('title')) ?? '', /charge: not undone/)
  const toggle = steps.getByRole('button', { name: /reserve stock/ })
  assert.equal(await toggle.getAttribute('aria-expanded'), 'false')
  await toggle.focus()
  await page.keyboard.press('Enter')
  await steps.getByText('"reservation": "r-1"').waitFor()
  const decisions = page.getByRole('table', { name: 'What people decided' })
  assert.match(await decisions.innerText(), /ada \(console\)\s+tried again\s+The bank says that the account is open again\./)
  await page.getByText('"card": "[redacted]"').waitFor()
  assert.equal(await page.getByRole('link', { name: 'Its trace' }).getAttribute('href'), `/traces/${TRACE}`)
})

test(
  'a decision asks for its reason, is made once it is confirmed, and stands there then; one that is refused says why',
  { skip },
  async (t) => {
    given.sagas = fakeSagas(mixedSagas())
    const page = await openPage(t, '/saga?service=orders&id=order-7', { colorScheme: 'dark' })
    await page.getByRole('button', { name: 'Try again…' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Try again' })
    await dialog.waitFor()
    await dialog.getByRole('button', { name: 'Try again' }).click()
    await dialog.getByText('Say why').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.deepEqual(given.sagas.changes, [], 'nothing was asked for yet')

    await page.getByRole('button', { name: 'Skip a step…' }).click()
    const skipping = page.getByRole('dialog', { name: 'Skip a step' })
    await skipping.getByLabel('Its result').fill('{ no JSON')
    await skipping.getByLabel('Why').fill('The money was sent back by hand.')
    await skipping.getByRole('button', { name: 'Skip the step' }).click()
    await skipping.getByText('The result must be JSON').waitFor()
    await skipping.getByLabel('Its result').fill('{"refund": 7}')
    await skipping.getByRole('button', { name: 'Skip the step' }).click()
    await page.getByRole('status').getByText('The step is taken as said').waitFor()
    const note = 'The money was sent back by hand.'
    assert.deepEqual(given.sagas.changes, [['orders', { id: 'order-7', action: 'skip', note, step: 'charge', result: { refund: 7 } }]])
    await page.getByRole('table', { name: 'What people decided' }).getByText(note).waitFor()

    page.removeAllListeners('console')
    await page.getByRole('button', { name: 'Try again…' }).click()
    await dialog.getByLabel('Why').and(page.locator(':focus')).waitFor()
    await page.keyboard.type('refuse')
    await dialog.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('status').getByText('there is nothing to be tried again by hand').waitFor()
  },
)

for (const width of [400, 900]) {
  test(`at a width of ${width} no part of Sagas is wider than the screen`, { skip }, async (t) => {
    given.sagas = fakeSagas(mixedSagas())
    const page = await openPage(t, '/sagas', { width })
    await page.getByRole('row', { name: new RegExp(LONG_ID.slice(0, 40)) }).waitFor()
    const isWithin = async (part: string) => {
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
      const [scroll, client] = await page.locator(part).evaluate((element) => [element.scrollWidth, element.clientWidth] as const)
      assert.ok(scroll <= client, `${part} takes ${scroll} of ${client}`)
    }
    await isWithin('.table-frame')
    await page.goto(new URL(`/saga?service=travel&id=trip-1`, page.url()).href)
    await page.getByRole('heading', { name: 'Steps' }).waitFor()
    await isWithin('.table-frame')
    await page.goto(new URL(`/saga?${new URLSearchParams({ service: 'orders', id: LONG_ID })}`, page.url()).href)
    await page.getByRole('heading', { name: 'Steps' }).waitFor()
    await isWithin('.table-frame')
  })
}

test('without sagas it is said what to do, and one that is not there is said to be so', { skip }, async (t) => {
  given.sagas = fakeSagas([])
  const page = await openPage(t, '/sagas')
  await page.getByRole('heading', { name: 'No saga has begun yet' }).waitFor()
  page.removeAllListeners('console')
  await page.goto(new URL('/saga?service=orders&id=gone', page.url()).href)
  await page.getByText('There is no saga gone here.').waitFor()
})

test('who reacts to what is drawn from the declarations', { skip }, async (t) => {
  const page = await openPage(t, '/sagas')
  await page.getByRole('link', { name: 'Who reacts to what' }).click()
  await page.waitForURL('**/choreography')
  const created = page.getByRole('list', { name: 'Choreographies' }).getByRole('listitem').filter({ hasText: 'customer.created' }).first()
  assert.match(
    await created.innerText(),
    /monolith\s+customer\.created\s+payments\s+checks the credit\s+credit\.checked\s+monolith\s+sets the limit/,
  )
  await page.getByText('goes round, as above').waitFor()
  await page.getByText('heard by analytics').waitFor()
  const [first, second] = await Promise.all(
    ['customer.created', 'credit.checked'].map(async (text) => (await page.getByText(text, { exact: true }).first().boundingBox())!),
  )
  assert.ok(second!.x > first!.x + first!.width, 'what follows stands to the right')
  await page.setViewportSize({ width: 400, height: 800 })
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 400)
})
