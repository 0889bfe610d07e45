import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MessageQuestions, messageManagement } from '@seaworthy/supervisor/management'
import { eventually, inMemoryDatabase, inMemoryEventLog, inMemoryEventStore, inMemoryReadStore } from '@seaworthy/testing'
import { InvalidInputError, NotFoundError } from 'seaworthy/core'
import { documentProjection, startDocumentProjection } from 'seaworthy/projections'

/** A process with one projection, whose code does not understand negative counts until it is mended. */
async function stage() {
  const database = inMemoryDatabase()
  const source = inMemoryEventStore()
  const broken = { value: true }
  const counts = documentProjection<{ sum: number }, { counted: { n: number } }>({
    name: 'counts',
    version: 1,
    on: {
      counted(count, { data: { n } }) {
        if (n < 0 && broken.value) throw new RangeError(`${n} is no number of things`)
        return { sum: (count?.sum ?? 0) + n }
      },
    },
  })
  let number = 0
  const append = (stream: string, n: number) => {
    const event = { id: `e-${++number}`, type: 'counted', schemaVersion: 1, data: { n, secret: 'hush' }, context: { correlationId: 'c' } }
    return database.transaction((tx) => source.append(tx, stream, [event], 'any'))
  }
  for (const [stream, n] of [['a', 1], ['a', -1], ['b', 5], ['a', 2], ['c', -3]] as const) await append(stream, n) // prettier-ignore
  const store = inMemoryReadStore()
  const running = startDocumentProjection({ projection: counts, source, store })
  await eventually('it has caught up', async () => (await running.lag()).positions === 0)
  const told: string[] = []
  const management = messageManagement({
    log: inMemoryEventLog(),
    publishes: [],
    consumes: [],
    redacted: (body) => JSON.stringify(body).replaceAll('hush', '[redacted]'),
    onRequeued: (requeued, by) => void ('letter' in requeued && told.push(`${by} ${requeued.letter.event.id} ${requeued.outcome}`)),
  })
  management.addProjection(running)
  const ask = async <Name extends keyof MessageQuestions>(question: Name, parameters: MessageQuestions[Name]['parameters']) =>
    (await management.answers[question]({ ...parameters }, 'ada')) as MessageQuestions[Name]['answer']
  const sumOf = async (key: string) => ((await store.find('counts', key)).document?.document as { sum: number } | undefined)?.sum
  return { ask, told, sumOf, mend: () => (broken.value = false), stop: () => running.stop() }
}

const KEY = { source: 'projection:counts/1', topic: 'counts', key: 'a' }

test('documents that stand still are shown with what waits for them, as the dead letters of a consumer are', async () => {
  const { ask, stop } = await stage()
  const [projection] = (await ask('messages', {})).projections
  assert.deepEqual(projection, {
    source: 'projection:counts/1',
    projection: 'counts',
    version: 1,
    lag: 0,
    failing: [],
    deadLetters: 3,
    parkedKeys: 2,
    parked: [{ topic: 'counts', key: 'a', letters: 2 }, { topic: 'counts', key: 'c', letters: 1 }], // prettier-ignore
  })
  const { sources } = await ask('dead-letters', {})
  assert.deepEqual(
    sources[0]!.letters.map(({ id, key, kind, attempts, sequence }) => `${id} of ${key} ${kind} ${attempts} #${sequence}`),
    ['e-2 of a parked 1 #2', 'e-4 of a held 0 #3', 'e-5 of c parked 1 #1'],
  )
  assert.match(sources[0]!.letters[0]!.reason, /-1 is no number of things/)
  assert.deepEqual(
    (await ask('dead-letters', { source: KEY.source, after: 4 })).sources[0]!.letters.map(({ id }) => id),
    ['e-5'],
  )
  const shown = await ask('dead-letter', { id: 'e-4' })
  assert.deepEqual([shown.correlationId, shown.key], ['c', 'a'])
  assert.match(shown.body, /\[redacted\]/)
  await stop()
})

test('a document is requeued by its key, in order, and each event is told with who asked', async () => {
  const { ask, told, sumOf, mend, stop } = await stage()
  const again = await ask('requeue-dead-letters', KEY)
  assert.deepEqual([again.letters.map(({ id, outcome, attempt }) => [id, outcome, attempt]), again.left], [[['e-2', 'failed', 2]], 2])
  mend()
  const answer = await ask('requeue-dead-letters', KEY)
  assert.deepEqual([answer.letters.map(({ id, outcome }) => [id, outcome]), answer.left], [[['e-2', 'handled'], ['e-4', 'handled']], 0]) // prettier-ignore
  assert.deepEqual(told, ['ada e-2 failed', 'ada e-2 handled', 'ada e-4 handled'])
  assert.deepEqual([await sumOf('a'), await sumOf('c')], [2, undefined])
  await assert.rejects(ask('requeue-dead-letters', { source: KEY.source, ids: ['e-5'] }), InvalidInputError)
  await assert.rejects(ask('requeue-dead-letters', { ...KEY, topic: 'sums' }), NotFoundError)
  await assert.rejects(ask('dead-letter', { id: 'e-2' }), NotFoundError)
  await stop()
})
