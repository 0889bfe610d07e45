import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventually } from '@seaworthy/testing'
import { SwitchRefusedError, throughOldSide } from '@seaworthy/strangler/cut-over'
import { UnavailableError } from 'seaworthy/core'
import { replaced, rows } from './sqlite-sides.ts'
import { toldPeople } from './told-people.ts'

const NUMBERS = 'SELECT topic, key, last FROM seaworthy_outbox_sequences ORDER BY topic, key'

void suite('data that its owner tells of', () => {
  test('is told on its way there, back and there again by one publisher: each event once, each key in the order of its numbers', async (t) => {
    const { databases, told, write, start } = await toldPeople(t)
    await write('old', { id: 'ada', name: 'Ada 1' })
    await write('old', { id: 'bob', name: 'Bob 1' })
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await write('old', { id: 'ada', name: 'Ada 2' })
    await cutOver.switch()
    await write('new', { id: 'ada', name: 'Ada 3' })
    await write('new', { id: 'eve', name: 'Eve 1' })
    await cutOver.rollBack()
    await eventually('all is back', async () => (await cutOver.status()).phase === 'old')
    await write('old', { id: 'eve', name: 'Eve 2' })
    await eventually('it may go again', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    await write('new', { id: 'ada', name: 'Ada 4' })
    await eventually('all is told', async () => told.length === 7)
    const ofKey = (key: string) => told.filter(({ event }) => event.key === key).map(({ event }) => event.sequence)
    assert.deepEqual([ofKey('ada'), ofKey('bob'), ofKey('eve')], [[1, 2, 3, 4], [1], [1, 2]])
    // Whoever hears of something and asks the monolith finds it there, or what came after it.
    for (const { event, knownThere } of told) assert.ok(knownThere! >= (event.data as { name: string }).name, JSON.stringify(event))
    await eventually('the monolith could go on', async () => (await cutOver.status()).lag.changes === 0)
    assert.deepEqual(await rows(databases.old, NUMBERS), await rows(databases.new, NUMBERS))
    assert.equal((await cutOver.verify()).kind, 'equal')
  })

  test('is not handed over before the monolith’s events are sent: a broker that is away refuses the switch, and nothing has changed', async (t) => {
    const { broker, told, write, start } = await toldPeople(t)
    const cutOver = start({ limits: { switchMaxMs: 150 } })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    broker.isAway = true
    await write('old', { id: 'ada', name: 'Ada 1' })
    await assert.rejects(cutOver.switch(), (error) => error instanceof SwitchRefusedError && /not (sent|done)/.test(error.message))
    assert.equal((await cutOver.status()).phase, 'old')
    await write('old', { id: 'ada', name: 'Ada 2' })
    broker.isAway = false
    await eventually('they are sent', async () => told.length === 2)
    await cutOver.switch()
    await write('new', { id: 'ada', name: 'Ada 3' })
    await eventually('all is told', async () => told.length === 3)
    assert.deepEqual(
      told.map(({ event }) => event.sequence),
      [1, 2, 3],
    )
  })

  test('is not handed over before they are sent, whoever else feeds meanwhile', async (t) => {
    const { broker, sides, told, write, start } = await toldPeople(t)
    const late = async (step: Parameters<typeof sides.old.take>[0]) => {
      if (step.phase === 'switching') {
        broker.isAway = true
        await write('old', { id: 'ada', name: 'Ada 1' })
      }
      return sides.old.take(step)
    }
    // As where another process brings over what this one has read.
    const apply = async (batch: Parameters<typeof sides.new.apply>[0]) => {
      const applied = await sides.new.apply(batch)
      return broker.isAway ? ({ kind: 'outdated' } as const) : applied
    }
    const seen = { old: replaced(sides.old, { take: late }), new: replaced(sides.new, { apply }) }
    const cutOver = start({ ...seen, limits: { switchMaxMs: 150 } })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await assert.rejects(cutOver.switch(), (error) => error instanceof SwitchRefusedError && /not (sent|done)/.test(error.message))
    assert.equal((await cutOver.status()).phase, 'old')
    broker.isAway = false
    await eventually('it is sent', async () => told.length === 1)
  })

  test('does not come back before the new side’s events are sent: until then nobody writes', async (t) => {
    const { broker, told, write, start } = await toldPeople(t)
    await write('old', { id: 'ada', name: 'Ada 1' })
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    broker.isAway = true
    await write('new', { id: 'ada', name: 'Ada 2' })
    const back = cutOver.rollBack()
    await eventually('it waits', async () => (await cutOver.status()).phase === 'switching-back')
    for (const side of ['old', 'new'] as const) await assert.rejects(write(side, { id: 'bob', name: 'Bob' }), UnavailableError)
    assert.equal((await cutOver.route()).write, 'hold')
    broker.isAway = false
    assert.deepEqual((await back).held, [])
    await write('old', { id: 'ada', name: 'Ada 3' })
    await eventually('all is told', async () => told.length === 3)
    assert.deepEqual(
      told.map(({ event }) => event.sequence),
      [1, 2, 3],
    )
  })

  test('is on the other side when its owner is asked to settle, and is not said to be when it is not', async (t) => {
    const { databases, sides, write, start } = await toldPeople(t)
    let isStuck = false
    const apply = (batch: Parameters<typeof sides.old.apply>[0]) =>
      isStuck && batch.entities.length > 0 ? Promise.reject(new Error('the monolith is busy')) : sides.old.apply(batch)
    // It would rest for a minute.
    const cutOver = start({ old: replaced(sides.old, { apply }), limits: { pollMs: 60_000, readyAgeMaxMs: 100 } })
    await write('old', { id: 'ada', name: 'Ada 1' })
    assert.equal(await cutOver.settled(5_000), true)
    assert.deepEqual(await rows(databases.new, 'SELECT called FROM person'), [{ called: 'Ada 1' }])
    await eventually('it is ready', async () => (await cutOver.settled(5_000)) && (await cutOver.readiness()).ready)
    await cutOver.switch()
    await write('new', { id: 'ada', name: 'Ada 2' })
    assert.equal(await cutOver.settled(5_000), true)
    assert.deepEqual(await rows(databases.old, 'SELECT name FROM people'), [{ name: 'Ada 2' }])
    isStuck = true
    await write('new', { id: 'ada', name: 'Ada 3' })
    assert.equal(await cutOver.settled(50), false)
  })

  test('of one topic leaves the numbers of others, and who writes them, alone', async (t) => {
    const { databases, bill, write, start, told } = await toldPeople(t)
    await bill({ id: 'ada', name: 'Ada' })
    await write('old', { id: 'ada', name: 'Ada 1' })
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    // Of what the monolith still has it goes on telling, the old numbers not brought back by the feed.
    for (let n = 0; n < 3; n++) await bill({ id: 'ada', name: 'Ada' })
    await write('new', { id: 'ada', name: 'Ada 2' })
    await eventually('all is told', async () => told.length === 6)
    await cutOver.rollBack()
    await bill({ id: 'ada', name: 'Ada' })
    const people = { topic: 'people', key: 'ada', last: 2 }
    assert.deepEqual(await rows(databases.old, NUMBERS), [{ topic: 'bills', key: 'ada', last: 5 }, people])
    assert.deepEqual(await rows(databases.new, NUMBERS), [people])
    assert.deepEqual((await cutOver.status()).strays, [])
  })

  test('keeps the number of a key that is gone', async (t) => {
    const { databases, write, start, told } = await toldPeople(t)
    await write('old', { id: 'ada', name: 'Ada 1' })
    await databases.old.atomically([{ sql: 'DELETE FROM people' }])
    const cutOver = start()
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    await write('new', { id: 'ada', name: 'Ada 2' })
    await eventually('all is told', async () => told.length === 2)
    assert.deepEqual(
      told.map(({ event }) => event.sequence),
      [1, 2],
    )
  })

  test('is published by the old side only while it does not own it, and only what it has been brought', async (t) => {
    const { sides, write, start, told } = await toldPeople(t)
    const publish = (upTo: number) => sides.old.publish({ topic: 'people', events: [], upTo })
    assert.deepEqual(await publish(0), { published: false })
    const cutOver = start({ old: replaced(sides.old, { apply: () => Promise.reject(new Error('the monolith is busy')) }) })
    await write('old', { id: 'ada', name: 'Ada 1' })
    await eventually('it is ready', async () => (await cutOver.readiness()).ready)
    await cutOver.switch()
    assert.deepEqual(await publish(0), { published: true })
    await write('new', { id: 'ada', name: 'Ada 2' })
    const { position } = await sides.new.head({})
    assert.deepEqual(await publish(position), { published: false })
    const held = throughOldSide({ ...sides, waitMs: 30 })
    await assert.rejects(held.append('people', []), UnavailableError)
    assert.equal(told.length, 1)
    await assert.rejects(sides.old.publish({ topic: 'others', events: [], upTo: 0 }), /does not publish on others/)
  })
})
