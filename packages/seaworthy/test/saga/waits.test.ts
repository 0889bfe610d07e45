import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RejectedError } from 'seaworthy/core'
import { defineEvent } from 'seaworthy/messaging'
import { type Orchestrator, orchestrator, saga } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

const rejected = () => Promise.reject(new RejectedError('no', 'No.'))
const DAY_MS = 86_400_000

const paid = defineEvent<{ readonly orderId: string; readonly cents: number }>('payment.received', {
  topic: 'payments',
  version: 1,
  key: ({ orderId }) => orderId,
  schema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { orderId: string; cents: number } }) } },
})

void suite('a saga that sleeps', () => {
  const calls: number[] = []
  const reminder = saga<null>('reminder', { version: 1 })
    .sleep('for a day', { ms: DAY_MS })
    .step('remind', { run: async () => calls.push(1), compensation: 'not-needed' })

  test('is nowhere but in the database, and goes on when its time comes', async () => {
    calls.length = 0
    const { start, running, clock, store } = world([reminder])
    await start(reminder, '1', null)
    await clock.advance(0)
    assert.equal(running.active, 0)
    await clock.advance(DAY_MS - 1)
    assert.deepEqual(calls, [])
    await clock.advance(1)
    assert.deepEqual([calls, (await store.load('1'))?.record.status, clock.pending], [[1], 'completed', []])
  })

  test('does so in another process, which slept through it', async () => {
    calls.length = 0
    const { start, running, clock, settings } = world([reminder])
    await start(reminder, '1', null)
    await clock.advance(1_000)
    await running.stop()
    await clock.advance(2 * DAY_MS)
    assert.deepEqual(calls, [])
    const next = orchestrator(settings)
    assert.equal(await next.resume(), 1)
    assert.equal((await next.settled('1', { timeoutMs: 0 }).then(() => clock.advance(0)), calls.length), 1)
  })
})

void suite('a saga that waits for an event', () => {
  const order = saga<null>('order', { version: 1 })
    .step('reserve', { run: nothing, compensate: nothing })
    .waitFor('paid', { event: paid, timeoutMs: 1_000 })
    .pivot('ship', { run: async (s) => s.results.paid.cents })

  const tell = (by: { database: ReturnType<typeof world>['database']; running: Orchestrator }, id: string, cents = 7, key?: string) =>
    by.database.transaction((tx) => by.running.tell(tx, id, paid({ orderId: id, cents }), key === undefined ? {} : { key }))

  test('gets its data, and takes no memory until then', async () => {
    const shop = world([order])
    await shop.start(order, '1', null)
    await shop.clock.advance(10)
    assert.equal(shop.running.active, 0)
    assert.equal(await tell(shop, '1'), 'taken')
    assert.equal((await shop.settle('1')).status, 'completed')
    assert.ok((await shop.journal('1')).includes('ship done 7'))
    assert.equal(await tell(shop, '1', 8), 'duplicate')
  })

  test('gets what came before it was started', async () => {
    const shop = world([order])
    assert.equal(await tell(shop, '1'), 'early')
    await shop.start(order, '1', null)
    assert.equal((await shop.settle('1')).status, 'completed')
  })

  test('gets nothing that was rolled back', async () => {
    const shop = world([order])
    await shop.start(order, '1', null)
    const failing = shop.database.transaction(async (tx) => {
      await shop.running.tell(tx, '1', paid({ orderId: '1', cents: 1 }))
      throw new Error('no')
    })
    await assert.rejects(failing, /no/)
    assert.deepEqual((await shop.settle('1')).reason, 'timeout')
  })

  test('turns back when it does not come, and who comes later is told so', async () => {
    const shop = world([order])
    await shop.start(order, '1', null)
    const { status, reason } = await shop.settle('1')
    assert.deepEqual([status, reason], ['compensated', 'timeout'])
    assert.equal(await tell(shop, '1'), 'too-late')
    assert.deepEqual((await shop.journal('1')).slice(2, 4), [`paid waiting ${shop.clock.now()}`, 'paid failed no'])
  })

  test('is told too late when it turned back for another reason', async () => {
    const two = saga<null>('two', { version: 1 }).parallel('both', {
      wait: (branch) => branch.waitFor('paid', { event: paid, timeoutMs: 'never' }),
      fail: (branch) => branch.step('fail', { run: rejected, compensation: 'not-needed' }),
    })
    const shop = world([two])
    await shop.start(two, '1', null)
    assert.equal((await shop.settle('1')).status, 'compensated')
    assert.equal(await tell(shop, '1'), 'too-late')
  })

  test('is parked after the pivot when it does not come, or goes on if that was said', async () => {
    const parks = saga<null>('parks', { version: 1 }).pivot('ship', { run: nothing }).waitFor('paid', { event: paid, timeoutMs: 5 })
    const goesOn = saga<null>('goes on', { version: 1 })
      .pivot('ship', { run: nothing })
      .waitFor('paid', { event: paid, timeoutMs: 5, onTimeout: 'go-on' })
      .step('close', { run: async (s) => s.results.paid?.cents ?? 'unpaid', forward: true })
    const shop = world([parks, goesOn])
    await shop.start(parks, '1', null)
    await shop.start(goesOn, '2', null)
    assert.deepEqual([(await shop.settle('1')).status, (await shop.settle('1')).reason], ['parked', 'timeout'])
    assert.equal((await shop.settle('2')).status, 'completed')
    assert.ok((await shop.journal('2')).includes('close done "unpaid"'))
    assert.equal(await tell(shop, '2'), 'too-late')
  })

  test('tells several waits for one type apart by their key', async () => {
    const parts = saga<string[]>('parts', { version: 1 }).forEach('parts', { items: (s) => s.input, concurrencyMax: 9 }, (part) =>
      part.waitFor('paid', { event: paid, timeoutMs: 'never', key: (s) => s.item }),
    )
    const shop = world([parts])
    await shop.start(parts, '1', ['a', 'b'])
    await shop.clock.advance(0)
    assert.equal(await tell(shop, '1', 2, 'b'), 'taken')
    await shop.clock.advance(0)
    assert.equal(await tell(shop, '1', 1, 'a'), 'taken')
    assert.equal((await shop.settle('1')).status, 'completed')
    assert.ok((await shop.journal('1')).includes('paid[0] done {"orderId":"1","cents":1}'))
  })

  test('goes on beside other steps', async () => {
    const release = Promise.withResolvers<void>()
    const both = saga<null>('both', { version: 1 }).parallel('both', {
      wait: (branch) =>
        branch.waitFor('paid', { event: paid, timeoutMs: 1_000 }).step('after', { run: nothing, compensation: 'not-needed' }),
      slow: (branch) => branch.step('slow', { run: () => release.promise, compensation: 'not-needed' }),
    })
    const shop = world([both])
    await shop.start(both, '1', null)
    await shop.clock.advance(0)
    await tell(shop, '1')
    await shop.clock.advance(0)
    assert.ok((await shop.journal('1')).includes('after started 1'))
    release.resolve()
    assert.equal((await shop.settle('1')).status, 'completed')
  })
})

void suite('a saga with a child', () => {
  const calls: string[] = []
  const shipping = saga<{ address: string }>('shipping', { version: 1 })
    .step('pick', { run: async () => 'box', compensate: async () => calls.push('put back') })
    .step('address', {
      run: async (s) => {
        if (s.input.address === 'nowhere') await rejected()
        return s.input.address
      },
      compensation: 'not-needed',
    })
    .waitFor('paid', { event: paid, timeoutMs: 1_000 })
  const order = saga<{ address: string; refused?: boolean }>('order', { version: 1 })
    .child('ship', {
      saga: shipping,
      input: (s) => ({ address: s.input.address }),
      compensate: async (s) => calls.push(`call back ${s.result?.pick} from ${s.result?.address}`),
    })
    .pivot('close', { run: async (s) => (s.input.refused === true ? rejected() : s.results.ship.paid.cents) })
  const family = () => world([order, shipping])
  const pay = (shop: ReturnType<typeof family>, id: string) =>
    shop.database.transaction((tx) => shop.running.tell(tx, id, paid({ orderId: id, cents: 5 })))

  test('goes on with its results when it is completed', async () => {
    const shop = family()
    await shop.start(order, '1', { address: 'Kiel' })
    await shop.clock.advance(0)
    assert.deepEqual([shop.running.active, (await shop.store.load('1/ship'))?.record.parent], [0, { sagaId: '1', step: 'ship' }])
    await pay(shop, '1/ship')
    assert.equal((await shop.settle('1')).status, 'completed')
    assert.ok((await shop.journal('1')).includes('close done 5'))
  })

  test('turns back with it, for its reason, and does not undo what undid itself', async () => {
    calls.length = 0
    const shop = family()
    await shop.start(order, '1', { address: 'nowhere' })
    const { status, reason } = await shop.settle('1')
    assert.deepEqual([status, reason, calls], ['compensated', 'no', ['put back']])
  })

  test('undoes a child that was completed', async () => {
    calls.length = 0
    const shop = family()
    await shop.start(order, '1', { address: 'Kiel', refused: true })
    await shop.clock.advance(0)
    await pay(shop, '1/ship')
    assert.equal((await shop.settle('1')).status, 'compensated')
    assert.deepEqual(calls, ['call back box from Kiel'])
  })

  test('calls off a child that is under way when it turns back', async () => {
    calls.length = 0
    const both = saga<null>('both', { version: 1 }).parallel('both', {
      ship: (branch) =>
        branch.child('ship', { saga: shipping, input: () => ({ address: 'Kiel' }), compensate: () => assert.fail('undone twice') }),
      fail: (branch) => branch.sleep('a while', { ms: 10 }).step('fail', { run: rejected, compensation: 'not-needed' }),
    })
    const shop = world([both, shipping])
    const beganMs = shop.clock.now()
    await shop.start(both, '1', null)
    assert.deepEqual((await shop.settle('1')).status, 'compensated')
    const child = await shop.store.load('1/ship')
    assert.deepEqual([child?.record.status, child?.record.reason, calls], ['compensated', 'no', ['put back']])
    assert.ok(shop.clock.now() - beganMs < 1_000, 'it waited for the child to give up by itself')
  })
})
