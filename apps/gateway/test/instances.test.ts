import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { ask, gatewayBefore, until, upstream } from './rig.ts'

const KEY = { 'idempotency-key': 'order-1' }

describe('several instances of an upstream', () => {
  test('are asked in turns', async (t) => {
    const instances = [await upstream(t), await upstream(t), await upstream(t)]
    const { port } = await gatewayBefore(t, { orders: instances })
    for (let request = 0; request < 9; request++) assert.equal((await ask(port, { path: '/orders' })).status, 200)
    assert.deepEqual(
      instances.map(({ received }) => received.length),
      [3, 3, 3],
    )
  })

  test('whoever has least in hand is asked first', async (t) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const slow = await upstream(t, (_, response) => void released.then(() => response.end('slow')))
    const quick = await upstream(t)
    const { port } = await gatewayBefore(t, { orders: [slow, quick] })
    const waiting = ask(port, { path: '/orders' })
    await until(() => slow.received.length === 1, 'the request to arrive')
    for (let request = 0; request < 4; request++) await ask(port, { path: '/orders' })
    assert.equal(quick.received.length, 4)
    release()
    assert.equal((await waiting).body, 'slow')
  })

  test('one that is away is passed over, and comes back', async (t) => {
    const [gone, there] = [await upstream(t), await upstream(t)]
    const { port } = await gatewayBefore(t, { orders: [gone, there] })
    await gone.stop()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(port, { method: 'POST', path: '/orders', body: '{}', headers: KEY })),
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(there.received.length, 8)
    await gone.start()
    await eventually('it is asked again', async () => {
      await ask(port, { path: '/orders' })
      return gone.received.length > 0
    })
  })

  test('while one is held the others get its requests, and it finishes what it has', async (t) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const leaving = await upstream(t, (_, response) => void released.then(() => response.end('finished')))
    const staying = await upstream(t)
    const { port, gateway } = await gatewayBefore(t, { orders: [leaving, staying] })
    const inFlight = ask(port, { path: '/orders' })
    await until(() => leaving.received.length === 1, 'the request to arrive')
    const held = gateway.hold('orders', 'h1', leaving.url.origin)
    for (let request = 0; request < 3; request++) await ask(port, { path: '/orders' })
    assert.equal(staying.received.length, 3)
    release()
    assert.equal((await inFlight).body, 'finished')
    assert.equal(await held, true)
    await ask(port, { path: '/orders' })
    assert.equal(staying.received.length, 4)
    gateway.release('orders', 'h1')
    await Promise.all([ask(port, { path: '/orders' }), ask(port, { path: '/orders' })])
    assert.equal(leaving.received.length, 2)
  })
})
