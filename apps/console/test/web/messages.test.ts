import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messagesView, requeueOf, requeueText } from '../../web/src/view-model/messages.ts'
import { letter, troubledServices } from '../messages-fixture.ts'

test('what services say becomes rows; what a service does not have is left out', () => {
  const view = messagesView(troubledServices())
  const row = (name: string) => view.services.find(({ service }) => service === name)!
  assert.deepEqual([view.waiting, view.deadLetters, view.unlisted, view.lag], [1_234, 68, 60, 12_348])
  assert.equal(row('orders').outbox!.relay.text, 'held up')
  assert.match(row('orders').outbox!.relay.title, /disk is full/)
  assert.equal(row('orders').consumer, undefined)
  assert.equal(row('order-history').outbox, undefined)
  assert.deepEqual([row('order-history').lag, row('order-history').heldKeys], [3, 2])
  assert.equal(row('analytics').consumer!.text, 'trying again')
  assert.equal(row('notifications').consumer!.tone, 'error')
  assert.equal(row('notifications').queues[0]!.waiting, 23)
  assert.deepEqual([row('accounts').consumer!.text, row('accounts').heldKeys, row('accounts').deadLetters], ['held up', 1, 2])
  assert.match(row('payments').problem!, /backing-off/)
})

test('each topic stands once, with its groups by name', () => {
  const { topics } = messagesView(troubledServices())
  assert.deepEqual(
    topics.map(({ topic, appended, groups }) => [topic, appended, groups.map(({ group }) => group)]),
    [
      ['orders', 4_320, ['analytics', 'notifications', 'order-history']],
      ['payments', undefined, []],
    ],
  )
})

test('a parked key has the reason of its first letter, and only what somebody must requeue can be', () => {
  const { heldKeys } = messagesView(troubledServices())
  assert.deepEqual(
    heldKeys.map(({ service, condition, requeue }) => [service, condition.text, requeue !== undefined]),
    [
      ['order-history', 'parked', true],
      ['order-history', 'parked', true],
      ['analytics', 'attempt 4', false],
      ['accounts', 'parked', true],
    ],
  )
  assert.deepEqual(heldKeys.at(-1)!.requeue, { source: 'projection:balances/2', topic: 'balances', key: 'ada' })
  assert.match(heldKeys[0]!.reason, /^ValidationError/)
})

test('a letter of a consumer is requeued by its key, a message of a queue by its id', () => {
  assert.deepEqual(requeueOf(letter('m', { key: 'a' })), { source: 'consumer:order-history', topic: 'orders', key: 'a' })
  assert.deepEqual(requeueOf(letter('m', { source: 'queue:letters', topic: null, key: null })), { source: 'queue:letters', ids: ['m'] })
})

test('how a requeue went is one sentence', () => {
  const one = { id: 'm-1', attempt: 2, reason: null }
  assert.equal(requeueText({ letters: [], left: 0 }), 'There was nothing left to requeue.')
  assert.equal(requeueText({ letters: [{ ...one, outcome: 'handled' }], left: 0 }), '1 message handled; none left.')
  assert.equal(requeueText({ letters: [{ ...one, outcome: 'handled' }], left: 1_200 }), '1 message handled; 1,200 left, requeue again.')
  assert.equal(requeueText({ letters: [{ ...one, outcome: 'requeued' }], left: 0 }), '1 message put back; none left.')
  const failed = { id: 'm-2', attempt: 3, outcome: 'failed', reason: 'It is no good.' } as const
  assert.equal(
    requeueText({ letters: [{ ...one, outcome: 'handled' }, failed], left: 2 }),
    '1 message handled, then m-2 failed again; 2 left. It is no good.',
  )
})

test('a relay that waits for somebody says for whom', () => {
  const services = troubledServices().map((one) => {
    if (one.service !== 'monolith' || one.status?.outbox == null) return one
    const holder = { kind: 'session', pid: 4_711, application: 'psql', user: 'ada', client: undefined } as const
    const holders = [{ ...holder, state: 'idle in transaction', query: 'UPDATE orders SET note = 1', heldMs: 95_000, behind: 1 }]
    const stalls = [{ operation: 'mark', topic: 'customers', sinceMs: 0, holders }] as const
    return { ...one, status: { ...one.status, outbox: { ...one.status.outbox, stalls } } }
  })
  const { relay } = messagesView(services).services.find(({ service }) => service === 'monolith')!.outbox!
  assert.deepEqual([relay.tone, relay.text], ['warn', 'waiting'])
  assert.match(relay.title, /mark of customers waits since .* for psql \(pid 4711, idle in transaction\), open for 1 min: UPDATE orders/)
})
