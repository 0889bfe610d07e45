import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { beginLabRun, writeLabReport } from '@seaworthy/supervisor'
import { type Page } from 'playwright-core'
import { checkoutSpans, type SpanSpec } from './checkout-trace.ts'
import { LONG_KEY, fakeMessages, troubledServices } from './messages-fixture.ts'
import { given, inkOf, openPage, send, skip } from './pages-fixture.ts'

const COMPLETED = '11111111111111111111111111111111'
const DECLINED = '22222222222222222222222222222222'
const WIDE = '33333333333333333333333333333333'

const activeRow = (page: Page) =>
  page.evaluate(() => {
    const id = document.querySelector('[role=tree]')?.getAttribute('aria-activedescendant')
    return id == null ? undefined : (document.querySelector(`#${id}`)?.getAttribute('aria-label') ?? 'not in the document')
  })

test('System shows each instance with its state, and leads to the service’s traces', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  const page = await openPage(t, '/')
  const row = page.locator('tbody', { hasText: 'What payments is for' })
  await row.getByText('backing off').waitFor()
  assert.match(await row.innerText(), /signal SIGKILL/)
  await page.getByText('1 of 2 instances ready').waitFor()
  // Known by its spans alone.
  await page.locator('tbody', { hasText: 'not started by this supervisor' }).first().waitFor()
  await row.getByRole('link').click()
  await page.waitForURL('**/traces?service=payments')
  await page.getByRole('link', { name: 'POST /api/checkout' }).first().waitFor()
})

test('by keyboard from the list to a span and back', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  await send(checkoutSpans('declined'), DECLINED, 'beta')
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('t')
  await page.waitForURL('**/traces')
  await page.locator('#trace-search').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('beta')
  await page.waitForURL('**/traces?q=beta')
  await page.locator('tbody tr').nth(0).waitFor()
  assert.equal(await page.locator('tbody tr').count(), 1)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/traces/${DECLINED}`)

  await page.getByRole('tree').waitFor()
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'tree')
  assert.match((await activeRow(page))!, /^gateway: POST \/api\/checkout, 137 ms/)
  const rows = () => page.getByRole('treeitem').count()
  const all = await rows()
  await page.keyboard.press('ArrowLeft')
  assert.equal(await rows(), 1)
  await page.keyboard.press('ArrowRight')
  assert.equal(await rows(), all)
  await page.keyboard.press('ArrowDown')
  assert.match((await activeRow(page))!, /^gateway: POST orders/)

  // To the span alone, as by the arrows: Enter is what opens details, and closes them.
  await page.keyboard.press('e')
  assert.match((await activeRow(page))!, /failed: card-declined/)
  assert.doesNotMatch(page.url(), /span=/)
  await page.keyboard.press('Enter')
  const details = page.getByRole('complementary', { name: 'Span details' })
  await details.getByText('card-declined: the bank refused the card').first().waitFor()
  assert.match((await activeRow(page))!, /failed: card-declined/)
  const link = page.url()
  assert.match(link, /\?span=[0-9a-f]{16}$/)
  await page.keyboard.press('Escape')
  await details.waitFor({ state: 'detached' })
  assert.doesNotMatch(page.url(), /span=/)

  await page.keyboard.press('?')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })

  await page.goto(link)
  await details.getByText('card-declined: the bank refused the card').first().waitFor()
  assert.match((await activeRow(page))!, /failed: card-declined/)
})

test('Escape in the search clears the filter with the box', { skip }, async (t) => {
  await send(checkoutSpans('declined'), DECLINED, 'beta')
  const page = await openPage(t, '/traces?q=beta')
  await page.getByRole('link', { name: 'POST /api/checkout' }).first().waitFor()
  await page.keyboard.press('/')
  await page.waitForFunction(() => document.activeElement?.id === 'trace-search')
  await page.keyboard.press('Escape')
  await page.waitForURL((address) => address.search === '')
  assert.equal(await page.locator('#trace-search').inputValue(), '')
  // What was typed a moment ago does not come back.
  await page.keyboard.type('nothing')
  await page.keyboard.press('Escape')
  await page.keyboard.type('beta')
  await page.waitForURL('**/traces?q=beta')
})

test('after a way back the arrows begin at the row that was visited', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  await send(checkoutSpans('declined'), DECLINED, 'beta')
  const page = await openPage(t, '/traces')
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('href') ?? document.activeElement?.tagName)
  await page.locator('a.row-link').nth(1).waitFor()
  const rows = await page.locator('a.row-link').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
  assert.equal(await focused(), 'BODY')
  await page.keyboard.press('ArrowDown')
  assert.equal(await focused(), rows[0])
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('tree').waitFor()
  await page.goBack()
  await page.locator('a.row-link').nth(1).waitFor()
  await page.keyboard.press('ArrowDown')
  assert.equal(await focused(), rows[1])
  await page.keyboard.press('ArrowUp')
  assert.equal(await focused(), rows[0])
})

test('what nobody asked for is shown on demand, and how requests ended is told by their answers', { skip }, async (t) => {
  await send(checkoutSpans('declined'), DECLINED, 'beta')
  await send([{ service: 'payments', name: 'project balances', kind: 'internal', start: 0, end: 5 }], '6'.repeat(32), 'poll')
  const page = await openPage(t, '/traces?q=poll')
  await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
  await page.getByRole('button', { name: 'Show background work too' }).click()
  await page.getByRole('link', { name: 'project balances' }).waitFor()
  await page.getByRole('checkbox', { name: 'Background work' }).uncheck()
  await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.getByText('Rejected', { exact: true }).click()
  await page.waitForURL('**/traces?outcome=rejected')
  await page.getByText('201 rejected').first().waitFor()
})

test('asynchronous hops are drawn with the time that their messages were on the way', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  const page = await openPage(t, `/traces/${COMPLETED}`)
  await page.getByText('137 ms to the answer, 251 ms in all').waitFor()
  // With it rows have their places.
  await page.getByRole('region', { name: 'Why is it slow?' }).waitFor()
  await page.keyboard.press('End')
  const row = page.getByRole('treeitem', { name: /^notifications: orders process, 15\.0 ms, asynchronous, 23\.0 ms on its way/ })
  await row.waitFor()
  // A message on its way is a dashed line along the middle, which ends where the bar begins.
  const [bar, ...others] = await inkOf(row, 17)
  const dashes = (await inkOf(row, 12)).filter(({ width }) => width <= 4)
  assert.ok(bar !== undefined && others.length === 0 && dashes.length > 5, JSON.stringify({ bar, others, dashes }))
  const way = bar.x - dashes[0]!.x
  assert.ok(Math.abs(way / bar.width - 23 / 15) < 0.2, 'both are drawn to one scale')
  const text = (await row.boundingBox())!
  await page.mouse.move(bar.x - way / 2, text.y + 12)
  await page.locator('.rows-all[title^="On its way for 23.0 ms"]').waitFor()
  await page.mouse.move(bar.x + bar.width / 2, text.y + 12)
  await page.locator('.rows-all[title="notifications: orders process, 15.0 ms"]').waitFor()
})

test('a trace that arrives is shown without a reload, and a paused list stays as it is', { skip }, async (t) => {
  const page = await openPage(t, '/traces?q=live-')
  await page.getByText('No trace matches').waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  await send([{ service: 'gateway', name: 'live-one', kind: 'server', start: 0, end: 5 }], '4'.repeat(32), 'live-1')
  await page.getByRole('link', { name: 'live-one' }).waitFor()
  await page.getByRole('button', { name: 'Pause' }).click()
  await send([{ service: 'gateway', name: 'live-two', kind: 'server', start: 0, end: 5 }], '5'.repeat(32), 'live-2')
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('link', { name: 'live-two' }).waitFor()
})

/** 5,001 spans: an outline of two parts, the second of which comes between the rows of the first. */
function sendWide(): Promise<void> {
  const children = Array.from({ length: 5_000 }, (_, index): SpanSpec => ({
    service: `service-${index % 14}`,
    name: `call ${index}`,
    kind: 'client',
    start: index,
    end: index + 3,
  }))
  return send([{ service: 'batch', name: 'nightly import', kind: 'internal', start: 0, end: 5_010, children }], WIDE, 'wide')
}

test('5,000 spans: only rows in sight are in the document, and the last is one key away', { skip }, async (t) => {
  await sendWide()
  const page = await openPage(t, `/traces/${WIDE}`)
  await page.getByRole('tree').waitFor()
  await page.keyboard.press('End')
  await page.getByRole('treeitem', { name: /call 4999/ }).waitFor()
  assert.match((await activeRow(page))!, /call 4999/)
  const count = await page.getByRole('treeitem').count()
  assert.ok(count < 60, `${count} rows are in the document`)
  const nodes = await page.locator('[role=tree] *').count()
  assert.ok(nodes < count * 3, `${nodes} elements for ${count} rows`)
  // What is judged on another thread, and what is asked for with a span.
  await page.getByRole('region', { name: 'Why is it slow?' }).waitFor()
  await page.keyboard.press('Enter')
  const details = page.getByRole('complementary', { name: 'Span details' })
  await details.getByText('service-1-1').waitFor()
  await details.getByRole('heading', { name: 'Where its time went' }).waitFor()
  await page.reload()
  await details.getByText('service-1-1').waitFor()
  assert.match((await activeRow(page))!, /call 4999/)
})

test('a large trace is shown from its first part on, and what is looked at stays where it is when the others come', { skip }, async (t) => {
  await sendWide()
  const page = await openPage(t, '/traces')
  await page.evaluate(() => {
    const fetch = window.fetch.bind(window)
    const { promise, resolve } = Promise.withResolvers<void>()
    Object.assign(window, { sendOthers: resolve })
    window.fetch = async (...request) => {
      const response = await fetch(...request)
      if (!response.url.endsWith('/outline')) return response
      const [first, ...others] = (await response.text()).split(/(?<=\n)/)
      const { readable, writable } = new TransformStream<Uint8Array>()
      const writer = writable.getWriter()
      const write = (text = '') => writer.write(new TextEncoder().encode(text))
      void write(first)
        .then(() => promise)
        .then(() => Promise.all(others.map(write)))
        .then(() => writer.close())
      return new Response(readable, { headers: response.headers })
    }
  })
  await page.evaluate((address) => {
    window.history.pushState(null, '', address)
    window.dispatchEvent(new PopStateEvent('popstate'))
  }, `/traces/${WIDE}`)
  await page.getByText('4,000 spans so far').waitFor()
  const tree = page.getByRole('tree')
  await tree.evaluate((element) => (element.scrollTop = 24 * 3_000))
  const atTop = () =>
    tree.evaluate((element) => {
      const { x, y } = element.getBoundingClientRect()
      return document
        .elementFromPoint(x + 9, y + 9)
        ?.closest('[role=treeitem]')
        ?.getAttribute('aria-label')
    })
  await page.waitForFunction(() => document.querySelector('[role=treeitem]')?.ariaLabel?.includes('nightly') === false)
  const before = await atTop()
  assert.match(before!, /call \d+/)
  await page.evaluate(() => (window as unknown as { sendOthers: () => void }).sendOthers())
  await page.getByText('5,001 spans', { exact: true }).waitFor()
  assert.equal(await atTop(), before)
  assert.ok((await tree.evaluate((element) => element.scrollTop)) > 24 * 3_000, 'rows came above it')
})

test('a span is zoomed to and the whole trace shown again', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  const page = await openPage(t, `/traces/${COMPLETED}`)
  const saga = page.getByRole('treeitem', { name: /reserve stock/ })
  await saga.click()
  const width = async () => (await inkOf(saga, 17))[0]!.width
  const before = await width()
  await page.getByRole('tree').focus()
  await page.keyboard.press('z')
  await page.getByRole('button', { name: 'Whole trace' }).waitFor()
  assert.ok((await width()) > before * 3)
  await page.keyboard.press('z')
  await page.getByRole('button', { name: 'Whole trace' }).waitFor({ state: 'detached' })
})

test('light and dark follow the system until somebody chooses, and the choice stays', { skip }, async (t) => {
  const page = await openPage(t, '/', { colorScheme: 'dark' })
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  const dark = await background()
  await page.getByRole('button', { name: /Theme: auto/ }).click()
  const light = await background()
  assert.notEqual(light, dark)
  await page.reload()
  await page.getByRole('button', { name: /Theme: light/ }).waitFor()
  assert.equal(await background(), light)
})

test('on a narrow screen nothing is wider than the screen, and details stand below', { skip }, async (t) => {
  await send(checkoutSpans(), COMPLETED, 'alpha')
  const page = await openPage(t, `/traces/${COMPLETED}`, { width: 400 })
  await page.getByRole('tree').waitFor()
  const row = page.getByRole('treeitem').nth(1)
  assert.ok(
    (await inkOf(row, 12)).every(({ width }) => width < 16),
    'beside its name there is no bar',
  )
  const [bar] = await inkOf(row, 33)
  assert.ok(bar!.width > 150, 'a bar stands below its name, over the whole width')
  const canvas = (await page.locator('canvas').first().boundingBox())!
  assert.ok(canvas.x >= 0 && canvas.x + canvas.width <= 400, 'what is drawn is within the screen')
  await page.getByRole('treeitem').first().click()
  const details = (await page.getByRole('complementary').boundingBox())!
  const tree = (await page.getByRole('tree').boundingBox())!
  assert.ok(details.y >= tree.y + tree.height - 1 && details.height > 100)
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 400)
})

test('what is not there is said with what to do next', { skip }, async (t) => {
  const page = await openPage(t, '/traces?q=nothing-like-this')
  await page.getByRole('heading', { name: 'No trace matches' }).waitFor()
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.getByRole('link', { name: 'POST /api/checkout' }).first().waitFor()
})

test('Messages shows what waits, what is behind, and which services say nothing', { skip }, async (t) => {
  given.messages = fakeMessages(troubledServices())
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('m')
  await page.waitForURL('**/messages')
  await page.getByText('1,234 messages in outboxes').waitFor()
  await page.getByText('68 dead letters').waitFor()
  const services = page.getByRole('table', { name: 'Outboxes, consumers and queues' })
  assert.match(await services.getByRole('row', { name: /^orders/ }).innerText(), /1,234\s+2 min\s+held up/)
  assert.match(await services.getByRole('row', { name: /^notifications/ }).innerText(), /stopped itself\s+0\s+0\s+61\s+23/)
  await services.getByText('payments cannot be asked: it is backing-off.').waitFor()
  const topics = page.getByRole('table', { name: 'Topics and consumer groups' })
  assert.match(await topics.getByRole('row', { name: /^orders/ }).innerText(), /8\s+4,320\s+4,320\s+analytics\s*12,345/)
  await page.getByText('60 more behind these.').waitFor()
})

test('a dead letter is opened, read and requeued by keyboard; what came of it is said, and its key is free', { skip }, async (t) => {
  given.messages = fakeMessages(troubledServices())
  const page = await openPage(t, '/messages')
  await page.locator('a.row-link').first().waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/messages?service=order-history&letter=event-1')
  const details = page.getByRole('complementary', { name: 'Dead letter' })
  await details.getByText('"cardToken": "[redacted]"').waitFor()
  assert.equal(await page.locator('tr.chosen').count(), 1, 'the same message may lie with another service too')
  const requeue = details.getByRole('button', { name: 'Requeue key order-1' })
  for (let tabs = 0; tabs < 4 && !(await requeue.evaluate((button) => button === document.activeElement)); tabs++)
    await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page
    .getByRole('status')
    .getByText(/0 messages handled, then event-1 failed again; 3 left/)
    .waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('order-1: 1 message handled; none left.').waitFor()
  const of = ['order-history', { source: 'consumer:order-history', topic: 'orders', key: 'order-1' }]
  assert.deepEqual(given.messages.requeues, [of, of])
  await page.locator('.letter-grid tr', { hasText: 'order-history' }).first().waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')
  await details.waitFor({ state: 'detached' })
  assert.match(page.url(), /\/messages$/)
})

test('a key that is held up is requeued where it is listed, and one that is tried again by itself is not', { skip }, async (t) => {
  given.messages = fakeMessages(troubledServices())
  const page = await openPage(t, '/messages', { colorScheme: 'dark' })
  const keys = page.getByRole('table', { name: 'Keys that are held up' })
  assert.equal(
    await keys
      .getByRole('row', { name: /order-8/ })
      .getByRole('button')
      .count(),
    0,
  )
  await keys.getByRole('button', { name: `Requeue orders/${LONG_KEY} of order-history` }).click()
  await page
    .getByRole('status')
    .getByText(/failed again; 3 left/)
    .waitFor()
  assert.deepEqual(given.messages.requeues, [['order-history', { source: 'consumer:order-history', topic: 'orders', key: LONG_KEY }]])
})

test('without services Messages says what to do, as soon as the last one is gone', { skip }, async (t) => {
  given.messages = fakeMessages(troubledServices())
  const page = await openPage(t, '/messages')
  await page.locator('a.row-link').first().waitFor()
  given.messages = fakeMessages([])
  await page.getByRole('heading', { name: 'No service tells of its messages' }).waitFor()
})

for (const width of [400, 900]) {
  test(`at a width of ${width} no part of Messages is wider than the screen`, { skip }, async (t) => {
    given.messages = fakeMessages(troubledServices())
    const page = await openPage(t, '/messages?service=order-history&letter=event-9', { width })
    await page.getByRole('complementary', { name: 'Dead letter' }).getByText('"key"').waitFor()
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
    const frame = await page.locator('.table-frame').evaluate((element) => [element.scrollWidth, element.clientWidth] as const)
    if (width === 400) assert.ok(frame[0] <= frame[1], `tables take ${frame[0]} of ${frame[1]}`)
    const button = (await page.getByRole('button', { name: /Requeue key/ }).boundingBox())!
    assert.ok(button.x >= 0 && button.x + button.width <= width)
  })
}

test('Resilience shows each breaker, bulkhead and budget, and its buttons make a service suffer', { skip }, async (t) => {
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('r')
  await page.waitForURL('**/resilience')
  const calls = page.getByRole('table', { name: 'Guarded calls' })
  const row = (call: string) => calls.getByRole('row', { name: new RegExp(`orders ${call}`) })
  await page.getByText('1 open breaker').waitFor()
  assert.match(await row('payments').innerText(), /open 1\.4 s/)
  assert.match(await row('shipping').innerText(), /closed, 20 %\s+4\s+32\/32 \+17\s+3 of 100/)
  await page.getByText('2.00 s late').waitFor()
  const slow = page.getByRole('button', { name: 'Slow: orders' })
  await slow.focus()
  await page.keyboard.press('Enter')
  await page.getByText('orders lets each request wait 2 s.').waitFor()
  await page.getByRole('button', { name: 'Clear: payments' }).click()
  await page.getByText('payments suffers nothing any more.').waitFor()
  assert.deepEqual(given.ordered, ['orders {"kind":"latency","ms":2000}', 'payments {"kind":"clear"}'])
  // There is nothing to clear.
  await page.getByRole('button', { name: 'Clear: orders' }).click({ force: true })
  assert.equal(given.ordered.length, 2)
})

test('Resilience keeps its buttons in reach on a narrow screen, and is there in the dark', { skip }, async (t) => {
  const page = await openPage(t, '/resilience', { colorScheme: 'dark', width: 420 })
  await page.getByRole('button', { name: 'Pause: storefront' }).click()
  await page.getByText('storefront stands still.').waitFor()
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 420)
})

test('Labs says what to do while none has run; then the newest is shown, and each can be gone to by keys', { skip }, async (t) => {
  const page = await openPage(t, '/')
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('l')
  await page.getByText('No lab has run here').waitFor()
  for (const [index, lab] of ['simulate', 'cascading-failure'].entries()) {
    const out = beginLabRun(given.labsDir, lab, Date.now() + index * 1_000)
    writeFileSync(join(out, 'chart.svg'), `<svg xmlns="http://www.w3.org/2000/svg" width="${900 + index}" height="300"/>`)
    const printed = `What ${lab} printed\n${'a long line '.repeat(40)}`
    writeLabReport(out, { lab, summary: `Shows ${lab}`, startedAtMs: Date.now() + index, tookMs: 92_000, outcome: 'as promised', printed })
  }
  await page.reload()
  await page.getByText('What cascading-failure printed').waitFor()
  const width = () => page.getByRole('img', { name: /Chart/ }).evaluate((image: HTMLImageElement) => image.naturalWidth)
  await page.waitForFunction(() => document.querySelector<HTMLImageElement>('.lab-figure')?.complete)
  assert.equal(await width(), 901)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByText('What simulate printed').waitFor()
  await page.waitForURL('**/labs/simulate/*')
  await page.goBack()
  await page.getByText('What cascading-failure printed').waitFor()
})

test('a file of Zipkin is imported and shown with its critical path, along which p leads', { skip }, async (t) => {
  const page = await openPage(t, '/traces')
  const span = (id: string, parentId: string | undefined, from: number, to: number) => ({
    traceId: 'feed',
    id,
    ...(parentId !== undefined && { parentId }),
    kind: 'SERVER',
    name: `work ${id}`,
    timestamp: 1_700_000_000_000_000 + from,
    duration: to - from,
    localEndpoint: { serviceName: `service-${id}` },
  })
  const spans = [span('1', undefined, 0, 1_000), span('2', '1', 100, 900), span('3', '1', 100, 300)]
  await page.getByLabel('File of traces').setInputFiles({
    name: 'trace.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(spans)),
  })
  await page.getByText('service-2 80 %').waitFor()
  await page.getByText('service-1 20 %').waitFor()
  // Of the first span, which waited from 100 to 900 µs, the first tenth and the last.
  const [first, last, ...others] = await inkOf(page.getByRole('treeitem').first(), 20, 'text')
  assert.ok(others.length === 0 && Math.abs(first!.width / last!.width - 1) < 0.1 && last!.x > first!.x + first!.width * 8)
  await page.keyboard.press('p')
  assert.match((await activeRow(page)) ?? '', /service-2: work 2, 800 µs, 800 µs of the critical path/)
  await page.keyboard.press('p')
  assert.match((await activeRow(page)) ?? '', /service-1: work 1/)
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export' }).click()
  assert.match((await download).suggestedFilename(), /^trace-0{28}feed\.json$/)
})

test('a file that is no trace is refused with the formats that are', { skip }, async (t) => {
  const page = await openPage(t, '/traces')
  const chosen = page.getByLabel('File of traces')
  await chosen.waitFor({ state: 'attached' })
  page.removeAllListeners('console')
  await chosen.setInputFiles({ name: 'no.json', mimeType: 'application/json', buffer: Buffer.from('{}') })
  await page.getByText('It reads the JSON of OTLP').waitFor()
})
