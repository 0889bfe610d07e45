import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { suite, test } from 'node:test'
import { checkout, createCustomer, type Product, request } from './client.ts'
import { type Shop, startShop } from './shop.ts'

/** The files that a process has open below the shop's data directory, by what the kernel says. */
function openFiles(shop: Shop, pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/${pid}/fd/${fd}`)
      return path.startsWith(shop.dataDir) ? [relative(shop.dataDir, path)] : []
    } catch {
      // Closed since the folder was read.
      return []
    }
  })
}

suite('database per service', { skip: process.platform !== 'linux' && 'reads /proc, which Linux alone has' }, () => {
  test('no process opens the database of another', async () => {
    // Half-way: with the monolith, and with two that it lost.
    await using shop = await startShop({ stage: 2 })
    const customerId = await createCustomer(shop.gateway, 'Grace Hopper')
    const { body } = await request<{ items: Product[] }>(`${shop.gateway}/api/products`)
    // Everybody at work, so that whoever would reach for another's data does so.
    await checkout(shop.gateway, { customerId, lines: [{ productId: body.items[0]!.id, quantity: 1 }], card: 'ok' })

    const breaches: string[] = []
    const owners = new Set<string>()
    for (const { name, pid } of shop.processes()) {
      for (const file of openFiles(shop, pid!)) {
        const [folder = '', owner = ''] = file.split('/')
        if (folder !== 'services') continue
        owners.add(owner)
        if (owner !== name) breaches.push(`${name} has ${join(folder, file)} open`)
      }
    }
    assert.deepEqual(breaches, [])
    for (const service of [
      'monolith',
      'reviews',
      'catalog',
      'orders',
      'inventory',
      'payments',
      'shipping',
      'notifications',
      'analytics',
      'order-history',
      'storefront',
    ]) {
      assert.ok(owners.has(service), `${service} has no database open: the test looks in the wrong place`)
    }
  })
})
