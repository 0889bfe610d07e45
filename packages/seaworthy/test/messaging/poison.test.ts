import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { suite, test } from 'node:test'
import { RejectedError, UnavailableError } from 'seaworthy/core'
import { type DeadLetter, type RequeuedLetter, ConsumerStoppedError, MALFORMED_EVENT, handlers, on } from 'seaworthy/messaging'
import { consumerStage } from './consumer-stage.ts'
import { counted, published } from './events.ts'

const place = { topic: 'things', key: 'a' }
const summary = (letters: readonly DeadLetter[]) => letters.map(({ event: { id }, kind, attempts }) => `${id} ${kind} ${attempts}`)

function poisoned(...ids: readonly string[]) {
  const stage = consumerStage()
  const poison = new Set(ids)
  stage.behave = ({ id }) => {
    if (poison.has(id)) throw new Error(`${id} is no good`, { cause: new Error('a null where none may be') })
  }
  const letters = () => stage.store.deadLetters('history', { max: 100 })
  return { stage, poison, letters }
}

void suite('a message that cannot be handled', () => {
  test('is set aside after its attempts, with the reason and its cause, and told of', async (t) => {
    const { stage, letters } = poisoned('a-1')
    const heard: { reason: string }[] = []
    const listen = (letter: unknown) => heard.push(letter as { reason: string })
    channel('seaworthy:consumer.dead-letter').subscribe(listen)
    t.after(() => channel('seaworthy:consumer.dead-letter').unsubscribe(listen))
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ attemptsMax: 3 })
    await stage.clock.advance(1_999)
    assert.deepEqual(await letters(), [])
    await stage.clock.advance(1)
    const [letter] = await letters()
    assert.deepEqual([letter!.kind, letter!.attempts, letter!.event.id, letter!.diedAtMs], ['parked', 3, 'a-1', stage.clock.now()])
    assert.equal(letter!.reason, 'Error: a-1 is no good Cause: Error: a null where none may be')
    assert.equal(heard[0]!.reason, letter!.reason)
    assert.equal(consumer.status().setAside, 1)
    await consumer.stop()
    assert.equal((await stage.log.topics())[0]!.groups[0]!.lag, 0)
  })

  test('for a reason that is final is not tried twice', async () => {
    const { stage, letters } = poisoned()
    stage.behave = () => {
      throw new RejectedError('unknown-customer', 'Nobody has this id.')
    }
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(summary(await letters()), ['a-1 parked 1'])
    await consumer.stop()
  })

  test('parks its key: what comes later lies behind it, in order, over a restart, while other keys go on', async () => {
    const { stage, letters } = poisoned('a-1')
    await stage.log.append('things', [published('a', 1), published('a', 2), published('b', 1)])
    const consumer = await stage.start({ attemptsMax: 1 })
    await stage.clock.advance(0)
    await consumer.stop()
    await stage.log.append('things', [published('a', 3), published('b', 2)])
    const next = await stage.start({ attemptsMax: 1 })
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['b-1', 'b-2'])
    assert.deepEqual(summary(await letters()), ['a-1 parked 1', 'a-2 held 0', 'a-3 held 0'])
    await next.stop()
  })

  test('is skipped, and later ones of its key go on', async () => {
    const { stage, letters } = poisoned('a-1')
    await stage.log.append('things', [published('a', 1), published('a', 2)])
    const consumer = await stage.start({ attemptsMax: 2, onPoison: 'skip' })
    await stage.clock.advance(1_000)
    assert.deepEqual(stage.ids(), ['a-2'])
    assert.deepEqual(summary(await letters()), ['a-1 skipped 2'])
    await consumer.stop()
  })

  test('that comes again after it was set aside is not handled', async () => {
    const { stage, letters, poison } = poisoned('a-1')
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start({ attemptsMax: 1, onPoison: 'skip' })
    await stage.clock.advance(0)
    poison.clear()
    await stage.log.append('things', [published('a', 1)])
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), [])
    assert.deepEqual(summary(await letters()), ['a-1 skipped 1'])
    await consumer.stop()
  })

  test('stops the consumer loudly when no more may lie aside, and is handled when there is room again', async (t) => {
    const { stage, letters, poison } = poisoned('a-1')
    const heard: unknown[] = []
    const listen = (error: unknown) => heard.push(error)
    channel('seaworthy:consumer.stopped').subscribe(listen)
    t.after(() => channel('seaworthy:consumer.stopped').unsubscribe(listen))
    await stage.log.append('things', [published('b', 1), published('a', 1), published('a', 2), published('a', 3), published('b', 2)])
    const consumer = await stage.start({ attemptsMax: 1, deadLettersMax: 2 })
    const stopped = assert.rejects(consumer.done, (error) => error instanceof ConsumerStoppedError && /its limit/.test(error.message))
    await stage.clock.advance(0)
    await stopped
    assert.equal(consumer.status().state, 'failed')
    assert.equal(heard.length, 1)
    assert.deepEqual(summary(await letters()), ['a-1 parked 1', 'a-2 held 0'])
    // b-1, a-1 and a-2 are dealt with; a-3 is not, and whatever lies behind it comes again.
    assert.equal((await stage.log.topics())[0]!.groups[0]!.lag, 2)
    assert.deepEqual(stage.clock.pending, [])
    poison.clear()
    const next = await stage.start({ deadLettersMax: 3 })
    await stage.clock.advance(0)
    assert.deepEqual(await next.requeue(place), { handled: 3, failed: 0 })
    await stage.clock.advance(0)
    assert.deepEqual(
      stage.ids().filter((id) => id.startsWith('a')),
      ['a-1', 'a-2', 'a-3'],
    )
    await next.stop()
  })

  test('when the store refuses to take it, is set aside as soon as the store does, and not handled in between', async () => {
    const { stage, letters } = poisoned('a-1')
    const bury = stage.store.bury.bind(stage.store)
    let refusals = 0
    stage.store.bury = async (letter, limit) => {
      if (++refusals <= 2) throw new Error('disk is full')
      return bury(letter, limit)
    }
    await stage.log.append('things', [published('a', 1), published('a', 2)])
    const consumer = await stage.start({ attemptsMax: 1 })
    await stage.clock.advance(2_000)
    assert.deepEqual(summary(await letters()), ['a-1 parked 1', 'a-2 held 0'])
    assert.equal(stage.attempts.length, 1)
    await consumer.stop()
  })
})

void suite('dead letters are requeued', () => {
  test('in order, before any later message of their key, which is free afterwards', async () => {
    const { stage, letters, poison } = poisoned('a-1')
    await stage.log.append('things', [published('a', 1), published('a', 2), published('a', 3)])
    const consumer = await stage.start({ attemptsMax: 1, handler: stage.idempotent })
    await stage.clock.advance(0)
    poison.clear()
    const requeued = consumer.requeue(place)
    await stage.log.append('things', [published('a', 4)])
    await stage.clock.advance(0)
    assert.deepEqual(await requeued, { handled: 3, failed: 0 })
    await stage.log.append('things', [published('a', 5)])
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1', 'a-2', 'a-3', 'a-4', 'a-5'])
    assert.deepEqual(await letters(), [])
    await consumer.stop()
  })

  test('up to the first that fails again, which stays with the new reason and holds up the rest', async () => {
    const { stage, letters, poison } = poisoned('a-1', 'a-3')
    await stage.log.append(
      'things',
      [1, 2, 3, 4].map((n) => published('a', n)),
    )
    const consumer = await stage.start({ attemptsMax: 1, handler: stage.idempotent })
    await stage.clock.advance(0)
    poison.delete('a-1')
    assert.deepEqual(await consumer.requeue(place), { handled: 2, failed: 1 })
    assert.deepEqual(summary(await letters()), ['a-3 parked 1', 'a-4 held 0'])
    assert.match((await letters())[0]!.reason, /a-3 is no good/)
    poison.clear()
    assert.deepEqual(await consumer.requeue(place), { handled: 2, failed: 0 })
    assert.deepEqual(stage.ids(), ['a-1', 'a-2', 'a-3', 'a-4'])
    await consumer.stop()
  })

  test('out of order where they were skipped: the inbox lets them in by their id, once', async () => {
    const { stage, letters, poison } = poisoned('a-1', 'a-2')
    await stage.log.append(
      'things',
      [1, 2, 3].map((n) => published('a', n)),
    )
    const consumer = await stage.start({ attemptsMax: 1, onPoison: 'skip', handler: stage.idempotent })
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-3'])
    poison.delete('a-2')
    assert.deepEqual(await consumer.requeue(place), { handled: 1, failed: 1 })
    poison.clear()
    assert.deepEqual(await consumer.requeue(place), { handled: 1, failed: 0 })
    assert.deepEqual(stage.ids(), ['a-3', 'a-2', 'a-1'])
    await stage.log.append(
      'things',
      [1, 2, 3, 4].map((n) => published('a', n)),
    )
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-3', 'a-2', 'a-1', 'a-4'])
    assert.deepEqual(await letters(), [])
    await consumer.stop()
  })

  test('and a crash after the handling, before the removal, has no second effect', async () => {
    const { stage, letters, poison } = poisoned('a-1')
    await stage.log.append('things', [published('a', 1), published('a', 2)])
    const consumer = await stage.start({ attemptsMax: 1, handler: stage.idempotent })
    await stage.clock.advance(0)
    poison.clear()
    const resolve = stage.store.resolve.bind(stage.store)
    stage.store.resolve = () => Promise.reject(new Error('the process died here'))
    await assert.rejects(consumer.requeue(place), /died here/)
    assert.deepEqual(summary(await letters()), ['a-1 parked 2', 'a-2 held 0'])
    stage.store.resolve = resolve
    assert.deepEqual(await consumer.requeue(place), { handled: 2, failed: 0 })
    assert.deepEqual(stage.ids(), ['a-1', 'a-2'])
    await consumer.stop()
  })

  test('as many at once as was asked for; each is told in order, and the rest stay behind', async () => {
    const { stage, letters, poison } = poisoned('a-1', 'a-3')
    const told: string[] = []
    const onLetter = ({ letter, attempt, outcome }: RequeuedLetter) => void told.push(`${letter.event.id} ${outcome} ${attempt}`)
    await stage.log.append(
      'things',
      [1, 2, 3, 4].map((n) => published('a', n)),
    )
    const consumer = await stage.start({ attemptsMax: 1, handler: stage.idempotent })
    await stage.clock.advance(0)
    poison.delete('a-1')
    assert.deepEqual(await consumer.requeue(place, { lettersMax: 1, onLetter }), { handled: 1, failed: 0 })
    assert.deepEqual(summary(await letters()), ['a-2 held 0', 'a-3 held 0', 'a-4 held 0'])
    await stage.log.append('things', [published('a', 5)])
    await stage.clock.advance(0)
    assert.equal((await letters()).length, 4, 'what comes meanwhile lies behind them')
    assert.deepEqual(await consumer.requeue(place, { budgetMs: 0, onLetter }), { handled: 0, failed: 0 })
    assert.deepEqual(await consumer.requeue(place, { lettersMax: 9, onLetter }), { handled: 1, failed: 1 })
    assert.deepEqual(told, ['a-1 handled 2', 'a-2 handled 1', 'a-3 failed 1'])
    await consumer.stop()
  })

  test('no further after a stop, and not at all afterwards', async () => {
    const { stage, letters, poison } = poisoned('a-1')
    await stage.log.append(
      'things',
      [1, 2, 3].map((n) => published('a', n)),
    )
    const consumer = await stage.start({ attemptsMax: 1, handler: stage.idempotent })
    await stage.clock.advance(0)
    poison.clear()
    const gate = Promise.withResolvers<void>()
    stage.behave = () => gate.promise
    const requeued = consumer.requeue(place)
    await stage.clock.advance(0)
    const stopping = consumer.stop()
    gate.resolve()
    await stopping
    assert.deepEqual(await requeued, { handled: 1, failed: 0 })
    assert.deepEqual(summary(await letters()), ['a-2 held 0', 'a-3 held 0'])
    await assert.rejects(consumer.requeue(place), UnavailableError)
  })
})

void suite('what is no event, or none that anybody knows', () => {
  test('is set aside with the reason, as it came, and holds up nobody', async () => {
    const { stage, letters } = poisoned()
    await stage.log.appendUnchecked('things', [{ hello: 'world' }, null, { ...published('a', 1), version: 'one' }], 'a')
    await stage.log.append('things', [published('a', 1)])
    const consumer = await stage.start()
    await stage.clock.advance(0)
    assert.deepEqual(stage.ids(), ['a-1'])
    const found = await letters()
    assert.deepEqual(
      found.map(({ event: { id, type, key }, kind }) => [id, type, key, kind]),
      [0, 1, 2].map((offset) => [`things/0/${offset}`, MALFORMED_EVENT, `things/0/${offset}`, 'skipped']),
    )
    assert.deepEqual(found[0]!.event.data, { hello: 'world' })
    assert.match(found[2]!.reason, /version must be a whole number/)
    await consumer.stop()
    assert.equal((await stage.log.topics())[0]!.groups[0]!.lag, 0)
  })

  test('is refused again when it is requeued, whatever the handler ignores', async () => {
    const { stage, letters } = poisoned()
    await stage.log.appendUnchecked('things', [{ hello: 'world' }], 'a')
    const consumer = await stage.start({ handler: handlers([], { others: 'ignore' }) })
    await stage.clock.advance(0)
    assert.deepEqual(await consumer.requeue({ topic: 'things', key: 'things/0/0' }), { handled: 0, failed: 1 })
    assert.equal((await letters()).length, 1)
    await consumer.stop()
  })

  test('of an unknown version parks its key at once, and is handled by code that knows it', async () => {
    const { stage, letters } = poisoned()
    await stage.log.append('things', [published('a', 1, { version: 2 }), published('a', 2)])
    const seen: number[] = []
    const old = handlers([on(counted, async (event) => void seen.push(event.data.n))], { others: 'ignore' })
    const consumer = await stage.start({ handler: old })
    await stage.clock.advance(0)
    assert.deepEqual(summary(await letters()), ['a-1 parked 1', 'a-2 held 0'])
    assert.match((await letters())[0]!.reason, /Version 2 of event thing\.counted is not known here/)
    await consumer.stop()
    const next = await stage.start({ handler: async (event) => void seen.push((event.data as { n: number }).n) })
    await stage.clock.advance(0)
    await next.requeue(place)
    assert.deepEqual(seen, [1, 2])
    await next.stop()
  })
})
