import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'
import { type Ask, Comparator, type ComparatorRules, type ReceivedAnswer, reportText, type SafeRequest } from '../../src/compare/index.ts'
import { NOW_MS } from './answers.ts'

/** Two sides that answer from functions, and a comparator whose waits are passed by the clock of the test. */
function bench({
  monolith,
  service,
  rules = {},
}: {
  monolith: () => unknown
  service: () => unknown
  rules?: ComparatorRules & { mayAskMonolith?: () => Promise<boolean> }
}) {
  const clock = new VirtualClock({ nowMs: NOW_MS })
  const asked = { monolith: 0, service: 0 }
  const side =
    (name: 'monolith' | 'service', body: () => unknown): Ask =>
    async () => {
      asked[name]++
      await clock.advance(5)
      return received(body(), clock.now())
    }
  const comparator = new Comparator({
    monolith: side('monolith', monolith),
    service: side('service', service),
    clock,
    random: seededRandom(1),
    replayShare: 0,
    ...rules,
  })
  const judge = async (target = '/things/1') => {
    const request: SafeRequest = { method: 'GET', target, headers: [] }
    const verdict = comparator.judge(request, received(monolith(), clock.now()), new AbortController().signal)
    const over = { yes: false }
    void verdict.then(
      () => (over.yes = true),
      () => (over.yes = true),
    )
    while (!over.yes) await clock.advance(50)
    return verdict
  }
  const learn = async (query = '') => {
    for (let index = 0; index < 6; index++) assert.equal(await judge(`/things/${index}${query}`), 'learning')
  }
  return { comparator, judge, learn, asked, clock, endpoint: () => comparator.report().endpoints[0]! }
}

const received = (body: unknown, atMs: number): ReceivedAnswer => {
  if (body instanceof Error) throw body
  return { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from(JSON.stringify(body)), atMs }
}

test('nothing is compared before the monolith was asked often enough what it does by itself', async () => {
  const { judge, learn, asked, endpoint } = bench({ monolith: () => ({ a: 1 }), service: () => ({ a: 2 }) })
  await learn()
  assert.equal(asked.service, 0)
  assert.equal(endpoint().verdicts.learning, 6)
  assert.equal(await judge(), 'differs')
  assert.deepEqual(
    endpoint().differences.map(({ kind, field, answers }) => ({ kind, field, answers })),
    [{ kind: 'value', field: 'body.a', answers: 1 }],
  )
})

test('what was written in between is gone when both are asked again, and is no difference', async () => {
  let stock = 10
  let late = 10
  const { judge, learn, clock, endpoint } = bench({ monolith: () => ({ stock }), service: () => ({ stock: late }) })
  await learn()
  stock = 9
  clock.timer(600, () => (late = 9))
  assert.equal(await judge(), 'transient')
  assert.deepEqual(endpoint().differences, [])
  assert.equal(endpoint().transient[0]!.field, 'body.stock')
})

test('data that is written to all the time is called unsettled, not different', async () => {
  let stock = 5
  let step = 0
  const { judge, learn, endpoint } = bench({ monolith: () => ({ stock: (stock += step) }), service: () => ({ stock: -1 }) })
  await learn()
  step = 1_000
  assert.equal(await judge(), 'unsettled')
  assert.deepEqual(endpoint().differences, [])
})

test('a difference that is known is not confirmed again and again', async () => {
  const { judge, learn, asked } = bench({ monolith: () => ({ a: 1 }), service: () => ({ a: 2 }) })
  await learn()
  for (let index = 0; index < 5; index++) await judge(`/things/${index}`)
  const before = asked.monolith
  for (let index = 0; index < 20; index++) assert.equal(await judge(`/things/${index}`), 'differs')
  assert.equal(asked.monolith, before)
})

test('the monolith is not asked more often than it may be', async () => {
  let isAllowed = true
  const { judge, learn, asked, endpoint } = bench({
    monolith: () => ({ a: 1 }),
    service: () => ({ a: 2 }),
    rules: { mayAskMonolith: async () => isAllowed },
  })
  await learn()
  isAllowed = false
  const before = asked.monolith
  assert.equal(await judge(), 'unconfirmed')
  assert.equal(asked.monolith, before)
  assert.deepEqual(endpoint().differences, [])
})

test('noise that is met only later is learned when it is met', async () => {
  let isNoisy = false
  let tick = 0
  const body = () => (isNoisy ? { a: 1, traceId: `${(tick += 7_919_317)}` } : { a: 1 })
  const { judge, learn, endpoint } = bench({ monolith: body, service: body })
  await learn()
  isNoisy = true
  const verdicts = []
  for (let index = 0; index < 10; index++) verdicts.push(await judge(`/things/${index}`))
  assert.equal(verdicts.filter((verdict) => verdict === 'differs').length, 0)
  assert.deepEqual(
    endpoint().noise.map(({ field }) => field),
    ['body.traceId'],
  )
})

test('a service that answers from a copy gives itself away by what is new each time at the monolith', async () => {
  let tick = 0
  const fresh = () => ({ id: (0xabcdef12 + ++tick * 2_654_435_761).toString(16).padStart(12, '0').slice(-12) })
  const { judge, learn, endpoint } = bench({ monolith: fresh, service: () => ({ id: '00ab34cd9911' }) })
  await learn()
  for (let index = 0; index < 8; index++) await judge(`/things/${index}`)
  assert.deepEqual(
    endpoint().differences.map(({ kind, field }) => `${kind} ${field}`),
    ['repeated body.id'],
  )
})

test('a service without an answer is told apart from one with another answer', async () => {
  const { judge, learn, endpoint } = bench({ monolith: () => ({ a: 1 }), service: () => new Error('no connection') })
  await learn()
  assert.equal(await judge(), 'unanswered')
  assert.deepEqual(endpoint().unanswered, [{ reason: 'no connection', count: 1 }])
  assert.equal(endpoint().verdicts.differs, 0)
})

test('fields that are not to be compared are not, with all that is below them', async () => {
  const { judge, learn } = bench({
    monolith: () => ({ a: { b: 1 }, ab: 1 }),
    service: () => ({ a: { b: 2 }, ab: 1 }),
    rules: { ignoreFields: ['body.a'] },
  })
  await learn()
  assert.equal(await judge(), 'equal')
})

test('an abort ends a comparison in the middle of its waits', async () => {
  const clock = new VirtualClock({ nowMs: NOW_MS })
  const ask: Ask = async () => received({ a: 1 }, clock.now())
  const comparator = new Comparator({ monolith: ask, service: ask, clock })
  const stopping = new AbortController()
  const verdict = comparator.judge({ method: 'GET', target: '/', headers: [] }, undefined, stopping.signal)
  await clock.advance(10)
  stopping.abort(new Error('stopped'))
  await assert.rejects(verdict, /stopped/)
  assert.deepEqual(clock.pending, [])
})

test('a report says what differs, how often, of how many, and what always holds of it', async () => {
  let price = 100
  const { judge, learn, comparator } = bench({
    monolith: () => ({ price: price, password: 'one' }),
    service: () => ({ price: price * 100, password: 'two' }),
  })
  await learn('?token=0&x=0')
  for (price of [3.5, 7.25, 19.99, 4, 8]) await judge(`/things/7?token=abc&x=1`)
  const text = reportText(comparator.report())
  assert.match(text, /5 of 5 answers differ, at 1 of 1 endpoints/)
  assert.match(text, /body\.price: another value, in 5 of 5 answers; always: the monolith's × 100\n/)
  assert.match(text, /first 2026-03-03T.*Z GET \/things\/7\?token=…&x=1\n {6}body\.price: monolith 3\.5, service 350\n/)
  assert.match(text, /body\.password: monolith \(secret\) text of 3 characters/)
  assert.doesNotMatch(text, /"one"|abc/)
})
