import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeadLetterSummary, type MessageQuestions, messageManagement } from '@seaworthy/supervisor/management'
import { inMemoryConsumerStore, inMemoryEventLog } from '@seaworthy/testing'
import { InvalidInputError, NotFoundError, RejectedError, UnavailableError, constant } from 'seaworthy/core'
import { type EventEnvelope, type Queue, startConsumer } from 'seaworthy/messaging'

function event(key: string, sequence: number): EventEnvelope {
  return {
    id: `${key}-${sequence}`,
    type: 'thing.happened',
    version: 1,
    source: 'things',
    key,
    sequence,
    time: new Date(0).toISOString(),
    correlationId: 'c',
    data: { secret: 'hush' },
  }
}

/** A process with one consumer, which cannot handle what `poison` names, and one queue with dead messages. */
async function stage() {
  const log = inMemoryEventLog({ partitions: 1 })
  const store = inMemoryConsumerStore()
  const poison = new Set<string>()
  const handled: string[] = []
  const told: string[] = []
  const consumer = await startConsumer({
    log,
    group: 'history',
    topics: ['things'],
    store,
    onPoison: 'park-key',
    attemptsMax: 1,
    backoff: constant(1),
    pollWaitMs: 5,
    commitEveryMs: 1,
    handler: async ({ id }) => {
      if (poison.has(id)) throw new RejectedError('no-good', `${id} is no good.`)
      handled.push(id)
    },
  })
  const dead = new Map(
    [
      ['m-1', 'first'],
      ['m-2', 'second'],
    ].map(([id, body]) => [id!, { id: id!, body, attempts: 5, reason: 'tired', diedAtMs: 7 }]),
  )
  const queue = {
    status: async () => ({ ready: 0, delayed: 0, leased: 0, dead: dead.size }),
    deadLetters: async ({ max }: { max: number }) => [...dead.values()].slice(0, max),
    requeueDead: async ([id]: readonly string[]) => (dead.delete(id!) ? 1 : 0),
  } as Partial<Queue> as Queue
  const management = messageManagement({
    log,
    publishes: [],
    consumes: ['things'],
    redacted: (body) => JSON.stringify(body).replaceAll('hush', '[redacted]'),
    onRequeued: (requeued, by) =>
      void told.push(
        'queue' in requeued ? `${by} ${requeued.queue} ${requeued.id}` : `${by} ${requeued.letter.event.id} ${requeued.outcome}`,
      ),
  })
  management.addConsumer({ consumer, store, name: 'history' })
  management.addQueue('letters', queue)
  const ask = async <Name extends keyof MessageQuestions>(question: Name, parameters: MessageQuestions[Name]['parameters'], by?: string) =>
    (await management.answers[question]({ ...parameters }, by)) as MessageQuestions[Name]['answer']
  /** Appends, and waits until all of it was handled or set aside. */
  const deliver = async (...events: readonly EventEnvelope[]) => {
    await log.append('things', events)
    for (let turn = 0; turn < 1_000 && (await log.topics())[0]?.groups[0]?.lag !== 0; turn++)
      await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return { ask, deliver, poison, handled, told, dead, stop: () => consumer.stop() }
}

const brief = (letters: readonly DeadLetterSummary[]) => letters.map(({ id, kind, attempts }) => `${id} ${kind} ${attempts}`)
const KEY = { source: 'consumer:history', topic: 'things', key: 'a' }

test('a process tells what lies aside, what is held up, and how far its groups are', async () => {
  const { ask, deliver, poison, stop } = await stage()
  poison.add('a-1')
  await deliver(event('a', 1), event('a', 2), event('b', 1))
  const status = await ask('messages', {})
  assert.equal(status.outbox, null)
  const [consumer] = status.consumers
  assert.deepEqual([consumer!.group, consumer!.state, consumer!.deadLetters, consumer!.parkedKeys], ['history', 'running', 2, 1])
  assert.deepEqual(consumer!.parked, [{ topic: 'things', key: 'a', letters: 2 }])
  assert.deepEqual(status.queues, [{ name: 'letters', ready: 0, delayed: 0, leased: 0, dead: 2 }])
  assert.deepEqual(
    status.topics.map(({ topic, records, groups }) => [topic, records, groups]),
    [['things', 3, [{ group: 'history', lag: 0 }]]],
  )
  const { sources } = await ask('dead-letters', {})
  assert.deepEqual(
    sources.map(({ source, letters }) => [source, brief(letters)]),
    [
      ['consumer:history', ['a-1 parked 1', 'a-2 held 0']],
      ['queue:letters', ['m-1 queued 5', 'm-2 queued 5']],
    ],
  )
  const shown = await ask('dead-letter', { id: 'a-1' })
  assert.match(shown.body, /\[redacted\]/)
  assert.match(shown.reason, /a-1 is no good/)
  assert.equal((await ask('dead-letter', { id: 'm-2' })).body, '"second"')
  await stop()
})

test('a requeue handles the letters of a key in order, tells each, and says what is left', async () => {
  const { ask, deliver, poison, handled, told, stop } = await stage()
  for (const id of ['a-1', 'a-3']) poison.add(id)
  await deliver(event('a', 1), event('a', 2), event('a', 3), event('a', 4))
  poison.delete('a-1')
  const answer = await ask('requeue-dead-letters', KEY, 'ada')
  assert.deepEqual(
    answer.letters.map(({ id, outcome, attempt }) => [id, outcome, attempt]),
    [
      ['a-1', 'handled', 2],
      ['a-2', 'handled', 1],
      ['a-3', 'failed', 1],
    ],
  )
  assert.equal(answer.left, 2)
  assert.match(answer.letters[2]!.reason!, /a-3 is no good/)
  assert.deepEqual(told, ['ada a-1 handled', 'ada a-2 handled', 'ada a-3 failed'])
  poison.clear()
  assert.equal((await ask('requeue-dead-letters', KEY, 'ada')).left, 0)
  assert.deepEqual(handled, ['a-1', 'a-2', 'a-3', 'a-4'])
  await stop()
})

test('two requeues at one time are one, and the other is told so', async () => {
  const { ask, deliver, poison, stop } = await stage()
  poison.add('a-1')
  await deliver(event('a', 1))
  const first = ask('requeue-dead-letters', KEY, 'ada')
  await assert.rejects(ask('requeue-dead-letters', KEY, 'bob'), UnavailableError)
  assert.equal((await first).left, 1)
  await stop()
})

test('messages of a queue go back by their ids; what is not there any more is not told', async () => {
  const { ask, told, dead, stop } = await stage()
  const answer = await ask('requeue-dead-letters', { source: 'queue:letters', ids: ['m-2', 'gone'] }, 'ada')
  assert.deepEqual(
    answer.letters.map(({ id, outcome }) => [id, outcome]),
    [['m-2', 'requeued']],
  )
  assert.deepEqual([...dead.keys()], ['m-1'])
  assert.deepEqual(told, ['ada letters m-2'])
  await stop()
})

test('what is not there, and what makes no sense, is refused by name', async () => {
  const { ask, stop } = await stage()
  await assert.rejects(ask('dead-letter', { id: 'none' }), NotFoundError)
  await assert.rejects(ask('dead-letters', { source: 'consumer:other' }), /This service has: consumer:history, queue:letters/)
  await assert.rejects(ask('requeue-dead-letters', { source: 'consumer:history', ids: ['a-1'] }, 'ada'), /by their key/)
  await assert.rejects(ask('requeue-dead-letters', { source: 'queue:letters', topic: 't', key: 'k' }, 'ada'), InvalidInputError)
  await assert.rejects(ask('dead-letters', { after: 'x' as never }), InvalidInputError)
  await stop()
})

test('a long list comes in pages, and a long body is cut', async () => {
  const { ask, deliver, poison, stop } = await stage()
  poison.add('a-1')
  await deliver(...Array.from({ length: 120 }, (_, at) => event('a', at + 1)))
  const seen: string[] = []
  for (let after = 0; ;) {
    const [page] = (await ask('dead-letters', { source: 'consumer:history', after })).sources
    seen.push(...page!.letters.map(({ id }) => id))
    if (!page!.isMore) break
    after = page!.letters.at(-1)!.position!
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 120 }, (_, at) => `a-${at + 1}`),
  )
  await deliver({ ...event('a', 121), data: 'x'.repeat(100_000) })
  const shown = await ask('dead-letter', { id: 'a-121' })
  assert.equal(shown.isCut, true)
  assert.equal(shown.body.length, 65_536)
  await stop()
})
