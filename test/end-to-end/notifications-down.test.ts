import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { mailTexts } from './books.ts'
import { checkout, createCustomer, type Product, request } from './client.ts'
import { startShop, until } from './shop.ts'

const DOWN_MS = Number(process.env['SEAWORTHY_DOWN_MS'] ?? 60_000)

test('while notifications is down, checkouts are unaffected; afterwards every e-mail arrives, once', async (t) => {
  await using shop = await startShop()
  const customerId = await createCustomer(shop.gateway, 'Katherine Johnson')
  const { body } = await request<{ items: Product[] }>(`${shop.gateway}/api/products`)
  const order = { customerId, lines: [{ productId: body.items[0]!.id, quantity: 1 }], card: 'ok' }
  const { pid } = shop.process('notifications')
  const orderIds: string[] = []

  // Stopped, it holds its port and answers nothing: the worst way of being down.
  process.kill(pid!, 'SIGSTOP')
  const upAgainAt = performance.now() + DOWN_MS
  while (performance.now() < upAgainAt) {
    const answer = await checkout(shop.gateway, order)
    assert.equal(answer.status, 201)
    assert.equal(answer.body.status, 'completed')
    orderIds.push(answer.body.orderId)
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS / 30))
  }
  const folder = join(shop.dataDir, 'services', 'notifications')
  const mailsFor = (orderId: string) => mailTexts(folder).filter((text) => text.includes(`X-Order-Id: ${orderId}`)).length
  assert.equal(orderIds.filter((id) => mailsFor(id) > 0).length, 0, 'notifications was not down')
  process.kill(pid!, 'SIGKILL')

  await until(() => orderIds.every((id) => mailsFor(id) > 0), { timeoutMs: 30_000, what: 'the e-mails that were held up' })
  assert.deepEqual(
    orderIds.filter((id) => mailsFor(id) !== 1),
    [],
  )
  t.diagnostic(`${orderIds.length} checkouts while notifications was down for ${DOWN_MS / 1000} s`)
})
