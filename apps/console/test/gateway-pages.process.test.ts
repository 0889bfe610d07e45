import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LONG_REASON, LONG_ROUTE, fakeGateways, halfWay } from './gateways-fixture.ts'
import { given, openPage, skip } from './pages-fixture.ts'

test('Gateway shows how the monolith shrinks, each route with what is known of it, and who moved what and why', { skip }, async (t) => {
  given.gateways = fakeGateways([halfWay()])
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('w')
  await page.waitForURL('**/gateway')
  await page.getByRole('heading', { name: /^The monolith answers \d+ % of the requests; 100 % when the ledger began$/ }).waitFor()
  await page.getByRole('img', { name: /the monolith answered 100 % of them at first, and \d+ % now/ }).waitFor()
  const shares = page.getByRole('list', { name: 'Share of the requests now' })
  assert.match(await shares.innerText(), /^monolith\s+\d+ %\s+catalog\s+\d+ %\s+order-history/)
  const routes = page.getByRole('table', { name: 'Routes that move' })
  assert.match(
    await routes.getByRole('row', { name: /Route reviews/ }).innerText(),
    /monolith → reviews\s+50 %\s+2 tenants apart\s+19,044\s+< 0.1 %\s+10,581\s+< 0.1 %\s+none\s+0\.5 ×\s+120 ms/,
  )
  assert.match(await routes.getByRole('row', { name: /Route customers/ }).innerText(), /3\.0 %\s+no requests\s+not ready/)
  assert.match(await routes.getByRole('row', { name: new RegExp(LONG_ROUTE) }).innerText(), /not compared\s+2\.5 ×\s+2 stray writes/)
  const ledger = page.getByRole('table', { name: 'Who moved what, and why' })
  assert.match(
    await ledger.getByRole('row').nth(1).innerText(),
    /reviews\s+shift\s+10 → 50 %\s+ada\s+nothing differs\s*0 % of 3,900 answers differed; .* data 40\.0 ms behind, epoch 3/,
  )
  await page.getByText('4 routes that do not move').click()
  await page.getByText('/api/checkout').waitFor()
})

test('a route is opened, shifted and rolled back by keyboard, each with a reason; what is refused says why', { skip }, async (t) => {
  given.gateways = fakeGateways([halfWay()])
  const page = await openPage(t, '/gateway', { colorScheme: 'dark' })
  const details = page.getByRole('complementary', { name: 'Route reviews' })
  await page.locator('a.row-link').first().waitFor()
  await page.locator('a.row-link', { hasText: 'reviews' }).last().focus()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/gateway?gateway=gateway&route=reviews')
  await details.getByText('The old side owns the data (epoch 3)').waitFor()
  await page.waitForFunction(() => document.activeElement?.classList.contains('route-details'))
  for (let tabs = 0; tabs < 2; tabs++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Shift' })
  await dialog.getByLabel('Why').and(page.locator(':focus')).waitFor()
  assert.equal(await dialog.getByLabel('Share of the new side').inputValue(), '100')
  await dialog.getByRole('button', { name: 'Shift' }).press('Enter')
  await dialog.getByText('Say why').waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await details.waitFor()
  assert.deepEqual(given.gateways.changes, [], 'nothing was asked for yet')

  await details.getByRole('button', { name: 'Shift…' }).click()
  await dialog.getByRole('button', { name: '10 %' }).click()
  await dialog.getByLabel('Why').fill('fewer for the night')
  await dialog.getByRole('button', { name: 'Shift' }).click()
  await page.getByRole('status').getByText('reviews: 10 % go to the new side.').waitFor()
  await details.getByRole('button', { name: 'Roll back…' }).click()
  const back = page.getByRole('dialog', { name: 'Roll back' })
  await back.getByLabel('Whose').selectOption('acme')
  await back.getByLabel('Why').fill('acme sees other totals')
  await back.getByRole('button', { name: 'Roll back' }).click()
  await page.getByRole('status').getByText('reviews of acme: all go to the old side.').waitFor()
  await page.getByRole('table', { name: 'Its decisions' }).getByText('acme sees other totals').waitFor()
  assert.deepEqual(given.gateways.changes, [
    ['gateway', { route: 'reviews', percent: 10, why: 'fewer for the night' }],
    ['gateway', { route: 'reviews', tenant: 'acme', why: 'acme sees other totals' }],
  ])
  await page.keyboard.press('Escape')
  await details.waitFor({ state: 'detached' })

  page.removeAllListeners('console')
  await page.getByRole('link', { name: 'Route customers' }).click()
  await page.getByRole('button', { name: 'Shift…' }).click()
  await dialog.getByLabel('Why').fill('first users')
  await dialog.getByRole('button', { name: 'Shift' }).click()
  await page.getByRole('status').getByText(LONG_REASON).waitFor()
  await page.getByRole('button', { name: 'Close the result' }).click()
  assert.equal(
    await page.evaluate(() =>
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie]).match(/token/i),
    ),
    null,
    'the page knows no token',
  )
})

test(
  'without gateways it is said what to do; one that is silent is said to be so, and one without traffic says what will be there',
  { skip },
  async (t) => {
    given.gateways = fakeGateways([])
    const page = await openPage(t, '/gateway')
    await page.getByRole('heading', { name: 'No gateway is known here' }).waitFor()
    const { overview } = halfWay()
    given.gateways = fakeGateways([
      { name: 'shop', overview: { ...overview!, traffic: { slotMs: 10_000, slots: [] }, entries: [], routes: [] }, problem: null },
      {
        name: 'warehouse',
        overview: null,
        problem: 'The gateway’s admin API at http://127.0.0.1:8081 does not answer. Does the gateway run?',
      },
    ])
    await page.getByText('warehouse is silent').waitFor()
    await page.getByText('http://127.0.0.1:8081 does not answer').waitFor()
    await page.getByText('No request yet.').waitFor()
    await page.getByText('No route moves.').waitFor()
  },
)

for (const width of [400, 900]) {
  test(`at a width of ${width} no part of Gateway is wider than the screen`, { skip }, async (t) => {
    given.gateways = fakeGateways([halfWay()])
    const page = await openPage(t, `/gateway?${new URLSearchParams({ gateway: 'gateway', route: LONG_ROUTE })}`, { width })
    await page
      .getByRole('complementary', { name: /^Route orders-of/ })
      .getByText('Stray writes', { exact: true })
      .waitFor()
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
    for (const part of ['.details', ...(width === 400 ? ['.table-frame'] : [])]) {
      const [scroll, client] = await page.locator(part).evaluate((element) => [element.scrollWidth, element.clientWidth] as const)
      assert.ok(scroll <= client, `${part} takes ${scroll} of ${client}`)
    }
    const button = (await page.getByRole('button', { name: 'Roll back…' }).boundingBox())!
    assert.ok(button.x >= 0 && button.x + button.width <= width)
  })
}
