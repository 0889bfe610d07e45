import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventQuestions, eventAnswers } from '@seaworthy/supervisor/management'
import { InvalidInputError, NotFoundError } from 'seaworthy/core'
import { commandHandler, decider, eventTypes } from 'seaworthy/event-sourcing'
import { inMemoryDatabase, inMemoryEventStore } from '@seaworthy/testing'
import { stateChanges } from '../../src/management/state-changes.ts'

type Booked = { readonly type: 'booked'; readonly room: number; readonly card: string }

const visit = decider<{ rooms: readonly number[]; card: string | null }, Booked, Booked>({
  initial: () => ({ rooms: [], card: null }),
  decide: (command) => [command],
  evolve: ({ rooms }, { room, card }) => ({ rooms: [...rooms, room], card }),
})
const events = eventTypes<Booked>({ booked: { version: 1 } })

function visits() {
  const [database, store] = [inMemoryDatabase(), inMemoryEventStore()]
  const handler = commandHandler({ decider: visit, events, store, database, schemaVersion: 1 })
  const redacted = (value: unknown) => JSON.stringify(value).replaceAll('4711', '[redacted]')
  const answers = eventAnswers({ decider: visit, events, store, redacted })
  return {
    database,
    store,
    book: (room: number) => handler.execute('v', { type: 'booked', room, card: '4711' }),
    show: async (parameters: object) =>
      JSON.parse(JSON.stringify(await answers['event-stream'](parameters as never, undefined))) as EventQuestions['event-stream']['answer'],
  }
}

test('a stream is shown event by event with what each changed, without secrets', async () => {
  const { book, show } = visits()
  await book(7)
  await book(8)
  const { events: shown, state, isMore } = await show({ stream: 'v' })
  assert.deepEqual(
    shown.map(({ version, changes }) => [version, changes]),
    [
      [
        1,
        [
          { path: 'rooms[0]', after: 7 },
          { path: 'card', before: null, after: '[redacted]' },
        ],
      ],
      [2, [{ path: 'rooms[1]', after: 8 }]],
    ],
  )
  assert.deepEqual([state, isMore], [{ rooms: [7, 8], card: '[redacted]' }, false])
  assert.equal(JSON.stringify(shown).includes('4711'), false)
})

test('a stream is shown at a version or a time, and in pages', async () => {
  const { book, show } = visits()
  for (let room = 1; room <= 150; room++) await book(room)
  const atTwo = await show({ stream: 'v', at: { version: 2 } })
  assert.deepEqual([atTwo.events.length, (atTwo.state as { rooms: number[] }).rooms], [2, [1, 2]])
  const first = await show({ stream: 'v' })
  const second = await show({ stream: 'v', after: first.events.at(-1)!.version })
  assert.deepEqual([first.isMore, second.isMore, first.events.length + second.events.length], [true, false, 150])
  assert.equal((second.state as { rooms: number[] }).rooms.length, 150)
  assert.equal((await show({ stream: 'v', at: { timeMs: 1 } })).events.length, 0)
})

test('a stream that is not there, and a question that makes no sense, are told as such', async () => {
  const { show, book } = visits()
  await assert.rejects(show({ stream: 'absent' }), NotFoundError)
  await assert.rejects(show({ stream: 'absent' }), /There is none yet\.$/)
  await book(7)
  await assert.rejects(show({ stream: 'absent' }), /There are such as v\.$/)
  for (const parameters of [{}, { stream: 'v', at: 'now' }, { stream: 'v', after: -1 }]) {
    await assert.rejects(show(parameters), InvalidInputError)
  }
})

test('two states differ where they differ, at the deepest place', () => {
  assert.deepEqual(stateChanges({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { b: 2, c: [1] }, e: null }), [
    { path: 'a.b', before: 1, after: 2 },
    { path: 'a.c[1]', before: 2 },
    { path: 'e', after: null },
    { path: 'd', before: 1 },
  ])
  assert.deepEqual(stateChanges([1], { 0: 1 }), [{ path: '', before: [1], after: { 0: 1 } }])
  assert.deepEqual(stateChanges({ a: [1] }, { a: [1] }), [])
})
