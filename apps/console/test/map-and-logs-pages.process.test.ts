import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkoutSpans } from './checkout-trace.ts'
import { openPage, send, sendLogs, skip } from './pages-fixture.ts'

const TRACE_ID = 'feed7651916cd43dd8448eb211c80001'

test('the map is empty and says why; then a call is chosen by keys, and its histogram opens a trace', { skip }, async (t) => {
  const page = await openPage(t, '/map')
  await page.getByText('Nobody called anybody in the last 15 minutes').waitFor()
  await send(checkoutSpans(), TRACE_ID, 'c-map')
  await page.reload()
  await page.getByRole('link', { name: /^orders calls payments/ }).waitFor()
  await page.keyboard.press('ArrowDown')
  assert.match((await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ?? '', / to /)
  await page.getByRole('link', { name: /^orders calls payments/ }).focus()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/map?caller=service%3Aorders&callee=service%3Apayments')
  await page.getByRole('complementary').getByText('1 call', { exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await page.waitForURL('**/map')
  await page.goBack().catch(() => undefined)
  await page.goto(new URL('/map?caller=service:orders&callee=service:payments', page.url()).href)
  await page.getByRole('link', { name: 'All traces of these calls' }).waitFor()
  await page.getByRole('link', { name: /^1 call of .*Open the newest/ }).click()
  await page.waitForURL(`**/traces/${TRACE_ID}?span=*`)
})

test('without databases and topics the map shows services alone, and the address says so', { skip }, async (t) => {
  const page = await openPage(t, '/map', { colorScheme: 'dark' })
  await page.getByRole('link', { name: /^orders calls sqlite/ }).waitFor()
  await page.getByLabel('Databases and topics').uncheck()
  await page.waitForURL('**/map?stores=hide')
  assert.equal(await page.getByRole('link', { name: /^orders calls sqlite/ }).count(), 0)
  await page.getByRole('link', { name: /^gateway calls orders/ }).waitFor()
})

test('logs are searched by words and level, one is opened by keys, and leads to its trace and back', { skip }, async (t) => {
  const page = await openPage(t, '/logs')
  await page.getByText('Nobody has logged anything yet').waitFor()
  await sendLogs([
    { service: 'payments', severityNumber: 17, message: 'the card was declined', traceId: TRACE_ID, correlationId: 'c-map' },
    { service: 'orders', severityNumber: 9, message: 'order placed', traceId: TRACE_ID, correlationId: 'c-map' },
  ])
  await page.getByRole('link', { name: /the card was declined/ }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('declin')
  await page.waitForURL('**/logs?q=declin')
  await page.getByText('1 record', { exact: true }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/logs?q=declin&log=*')
  await page.getByRole('link', { name: 'Logs of this correlation id' }).click()
  await page.waitForURL('**/logs?correlationId=c-map')
  await page.getByRole('link', { name: /order placed/ }).waitFor()
  await page.getByText('error', { exact: true }).first().click()
  await page.waitForURL('**/logs?*level=error*')
  await page.getByText('1 record', { exact: true }).waitFor()
})
