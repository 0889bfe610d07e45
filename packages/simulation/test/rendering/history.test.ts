import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FaultKind, type HistoryEntry, type RenderedFailure, explore, historyAsHtml, historyAsText } from '@seaworthy/simulation'
import { manyOrders } from './many-orders.ts'
import { type FailingSystem, doubleCharge, dualWrite, forgetfulConsumer } from './failing-systems.ts'

async function failureOf(failing: FailingSystem, ...faults: readonly FaultKind[]) {
  const { failure } = await explore({ ...failing, exhaustive: 1, faults })
  assert.ok(failure !== undefined)
  return failure
}

/** The steps in words, without times and lanes. */
const words = (text: string) => text.split('\n').flatMap((line) => /^ +[\d.]+ m?s.{4}[^a-zA-Z]+(.*)$/.exec(line)?.[1] ?? [])

test('a dual write reads as request, commit and crash, and what its client made of it', async () => {
  const text = historyAsText(await failureOf(dualWrite, 'crash'))
  assert.match(text, /^✗ every order is told of\n {2}Event order-1 is lost: the topic orders never handled it\./)
  assert.deepEqual(words(text).slice(0, 4), [
    'place {"id":"order-1"}',
    'commits',
    'CRASH after its commit; customer does not know what became of its place',
    'place {"id":"order-1"}, but orders is down',
  ])
  assert.match(text, /Run it again by replay: 'seed=1 crash@orders\.database:commit:after#2'\.$/)
})

test('a lost answer is an arrow that ends on its way, and marked as the fault', async () => {
  const text = historyAsText(await failureOf(doubleCharge, 'lose-reply'))
  assert.match(text, /10\.7 ms ! {2}│ +│✗╌+┤ +charge: done \{"charged":4900\} \[answer lost\], and the answer never arrives/)
  assert.match(text, /505\.3 ms {4}│ +├─+▶│ +charge/)
  assert.equal(words(text).filter((line) => line === 'commits').length, 2)
})

test('a second life is told apart from the first, and its lane is empty while it is down', async () => {
  const text = historyAsText(await failureOf(forgetfulConsumer, 'crash'))
  assert.match(text, /✗ +CRASH after its commit\n.*○ +starts again: life 2/)
  assert.match(text, /event-log +shipping/)
})

test('what is not on the way to the violation is folded, and the fold says how much it is', () => {
  const lines = historyAsText(manyOrders(400)).split('\n')
  assert.ok(lines.length < 20, lines.join('\n'))
  assert.ok(
    lines.some((line) => line.endsWith('… 21 steps of customer, orders')),
    lines.join('\n'),
  )
  assert.deepEqual(words(lines.join('\n')), ['place {"id":"order-7"}', 'commits', 'stands still for 40.0 s', 'place: done'])
})

test('where the message names nothing, the ends and what is around the faults are shown', () => {
  const text = historyAsText(manyOrders(400, 'Expected values to be strictly equal.'))
  assert.match(text, /stands still for 40\.0 s/)
  assert.match(text, /order-399/)
  assert.ok(text.split('\n').length < 70)
})

test('what a broker answers is an arrow towards the node, and lost on its way there', () => {
  const at = { node: 'desk', incarnation: 1, peer: 'queue letters' } as const
  const send: HistoryEntry = { ...at, kind: 'send', atMs: 1, queue: 'letters', messageId: 'one', index: 'desk.queue:letters:send:before#1' }
  const index = 'desk.queue:letters:send:after#1'
  const lost: HistoryEntry = { ...at, kind: 'disturbed', atMs: 2, what: 'lose-reply', fault: 'lose-reply', index }
  const text = historyAsText({ ...manyOrders(0, 'one'), entries: [send, lost] })
  assert.match(text, /1\.0 ms {4}├─+▶│ +send message one/)
  assert.match(text, /2\.0 ms ! {2}│✗╌+┤ +answer lost after send at queue letters/)
})

test('a request that names the subject brings in the events of the keys that it names', () => {
  const failure = manyOrders(40)
  const event = { id: 'e1', type: 'order.placed', topic: 'orders', key: 'ada', sequence: 1 }
  const entries: readonly HistoryEntry[] = failure.entries.flatMap((entry): readonly HistoryEntry[] =>
    entry.kind === 'request' && entry.callId === 7
      ? [
          { ...entry, request: { id: 'order-7', customer: 'ada' } },
          { kind: 'append', atMs: 300, node: 'orders', incarnation: 1, peer: 'event-log', topic: 'orders', events: [event] },
        ]
      : [entry],
  )
  assert.match(historyAsText({ ...failure, entries }), /append order\.placed ada #1/)
})

test('the page holds every step, folded ones too, once', () => {
  const html = historyAsHtml(manyOrders(400))
  assert.equal(html.match(/place \{&quot;id&quot;/g)?.length, 400)
  assert.equal(html.match(/<details>/g)?.length, 2)
  assert.match(html, /<li class="pause fault" tabindex="-1">/)
})

test('nothing of a history is markup, and the page asks the network for nothing', () => {
  const hostile = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&"
  const failure = manyOrders(8, hostile)
  const entries: readonly HistoryEntry[] = [
    ...failure.entries,
    { kind: 'note', atMs: 100, node: hostile, incarnation: 1, text: hostile, data: hostile },
    {
      kind: 'request',
      atMs: 101,
      node: 'customer',
      incarnation: 0,
      peer: hostile,
      callId: 99,
      method: hostile,
      request: hostile,
      key: hostile,
    },
  ]
  const html = historyAsHtml({ ...failure, entries, invariant: hostile, history: hostile })
  assert.doesNotMatch(html, /<img|alert\(1\)<\/script>/)
  assert.equal(html.match(/<script/g)?.length, 1)
  assert.doesNotMatch(html, /https?:|<link(?! rel="icon" href="data:,")|@import|url\(/)
  assert.match(html, /content="default-src 'none'; /)
})

test('a history without faults and without messages can be shown', () => {
  const empty: RenderedFailure = { ...manyOrders(0), faults: [], entries: [{ kind: 'start', atMs: 0, node: 'orders', incarnation: 1 }] }
  assert.match(historyAsText(empty), /Run 9 fails, without any fault\./)
  assert.match(historyAsHtml(empty), /Run 9 fails, without any fault\./)
})
