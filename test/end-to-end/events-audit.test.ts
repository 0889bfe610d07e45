import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { checkout, createCustomer, type Product, request } from './client.ts'
import { seaworthy } from './command.ts'
import { startShop } from './shop.ts'

test('the command line shows a payment as it was, and audits the ledger, which fails once somebody changed it', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'seaworthy-shop-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const say = (...args: string[]) => seaworthy([...args, `--data-dir=${dataDir}`])
  const path = join(dataDir, 'services', 'payments', 'payments.db')
  {
    await using shop = await startShop({ dataDir })
    const customerId = await createCustomer(shop.gateway, 'Ada Lovelace')
    const { body } = await request<{ items: Product[] }>(`${shop.gateway}/api/products?page=1`)
    const answer = await checkout(shop.gateway, { customerId, lines: [{ productId: body.items[0]!.id, quantity: 1 }], card: 'ok' })
    assert.equal(answer.status, 201)
    assert.match(await say('events', 'audit'), /^payments: \d+ events in \d+ streams\.\n.*accounts of the ledger sum to zero/)
    await shop.stop()
  }
  const payments = new DatabaseSync(path)
  const { stream } = payments.prepare('SELECT stream FROM seaworthy_events ORDER BY position DESC LIMIT 1').get() as { stream: string }
  payments.exec(`UPDATE seaworthy_events SET data = json_set(data, '$.transaction.postings[0].amountCents', 1)
    WHERE position = (SELECT max(position) FROM seaworthy_events)`)
  payments.close()

  await using shop = await startShop({ dataDir })
  const shown = await say('events', 'show', stream, '--service=payments', '--at=1')
  assert.match(shown, /^1 {2}charged[^]*status +- "none" +\+ "charged"[^]*at version 1:\n\{\n {2}"status": "charged"/)
  await assert.rejects(say('events', 'audit'), (error: Error & { code?: number; stderr?: string }) => {
    assert.equal(error.code, 1)
    assert.match(error.stderr ?? '', /WRONG: charged at version 1 of stream .* does not balance/)
    return true
  })
  assert.equal(shop.process('payments').state, 'ready')
})
