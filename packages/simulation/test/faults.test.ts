import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_KINDS, type FaultKind, type HistoryEntry, client, explore, invariant, node } from '@seaworthy/simulation'
import type { CallContext, Clock } from 'seaworthy/core'
import { mailingWorld } from '../../../test/simulation/worlds/mailing.ts'
import { twoServices } from '../../../test/simulation/worlds/outbox-inbox.ts'

const anything = invariant('anything goes', () => undefined)
const mailing = mailingWorld().system
const written = { component: 'written', versions: ['CREATE TABLE written (key TEXT NOT NULL) STRICT'] }

interface Reading {
  readonly wallMs: number
  readonly monotonicMs: number
}

const read = (clock: Clock): Reading => ({ wallMs: clock.now(), monotonicMs: clock.monotonicMs() })

/** A front that looks at its clocks and calls a writer, which writes down the key of each request that it executes. */
const writer = {
  nodes: [
    node('writer', async ({ database, note }) => {
      const keys = await database({ schema: [written] })
      return {
        write: async (_: null, { idempotencyKey }: CallContext) => {
          try {
            await keys.atomically([{ sql: 'INSERT INTO written (key) VALUES (?)', params: [idempotencyKey!] }])
          } catch (error) {
            note(`failed: ${(error as { code: string }).code}`)
            throw error
          }
          note('executed')
        },
      }
    }),
    node('front', async ({ transport, clock, note }) => ({
      write: async (request: null, context: CallContext) => {
        const before = read(clock)
        await transport.call('writer', 'write', request, context)
        note('clocks of the front', { before, after: read(clock) })
      },
    })),
  ],
  clients: [
    client('caller', async ({ call, sleep }) => {
      // Once everything is up.
      await sleep(50)
      await call('front', 'write', null)
    }),
  ],
}

/** The history of one fault. */
async function historyOf(fault: string): Promise<readonly HistoryEntry[]> {
  let entries: readonly HistoryEntry[] = []
  const onHistory = (outcome: { readonly entries: readonly HistoryEntry[] }) => (entries = outcome.entries)
  const result = await explore({ system: writer, invariants: [anything], replay: `seed=1 ${fault}`, onHistory })
  assert.equal(result.missed, 0, `${fault} did not strike`)
  return entries
}

const executed = (entries: readonly HistoryEntry[]) => entries.filter((entry) => entry.kind === 'note' && entry.text === 'executed').length
const REQUEST = 'front.transport:writer.write:request#1'
const REPLY = 'writer.transport:write:reply#1'

test('a lost request is not executed, and its caller does not know', async () => {
  const entries = await historyOf(`lose@${REQUEST}`)
  const answer = entries.find((entry) => entry.kind === 'answer' && entry.node === 'front')
  assert.ok(answer?.kind === 'answer' && answer.outcome.kind === 'failed' && answer.outcome.executed === 'maybe')
  assert.equal(executed(entries), 1, 'the retry')
})

test('when an answer is lost the request was executed, and is executed again under the same key', async () => {
  const entries = await historyOf(`lose-reply@${REPLY}`)
  assert.equal(executed(entries), 2)
  const keys = entries.flatMap((entry) => (entry.kind === 'request' && entry.node === 'front' ? [entry.key] : []))
  assert.deepEqual(new Set(keys).size, 1)
})

test('a doubled request is executed twice', async () => {
  assert.equal(executed(await historyOf(`duplicate@${REQUEST}`)), 2)
})

test('a delayed request is executed long after its caller gave up', async () => {
  const entries = await historyOf(`delay@${REQUEST}`)
  const times = entries.filter((entry) => entry.kind === 'note' && entry.text === 'executed').map(({ atMs }) => atMs)
  assert.equal(times.length, 2)
  assert.ok(times[1]! > 10_000)
})

for (const [kind, count] of [
  ['partition', 1],
  ['partition-one-way', 2],
] as const) {
  test(`after a ${kind} the work is done`, async () => {
    const entries = await historyOf(`${kind}@${REQUEST}`)
    assert.ok(executed(entries) >= count, `executed ${executed(entries)} times`)
    assert.ok(entries.some((entry) => entry.kind === 'acknowledged'))
  })
}

test('a full disk and a taken lock are the errors that the database gives', async () => {
  const full = await historyOf('disk-full@writer.database:commit:before#2')
  assert.ok(full.some((entry) => entry.kind === 'note' && entry.text === 'failed: database-full'))
  const busy = await historyOf('busy@writer.database:begin#2')
  assert.equal(executed(busy), 1, 'the lock was not waited for')
})

test('a clock that jumps changes the time of day, and no duration', async () => {
  const entries = await historyOf(`clock-back@${REQUEST}`)
  const jump = entries.find((entry) => entry.kind === 'clock-jump')
  assert.ok(jump?.kind === 'clock-jump' && jump.byMs <= -1_000)
  const note = entries.find((entry) => entry.kind === 'note' && entry.text === 'clocks of the front')
  assert.ok(note?.kind === 'note')
  const clocks = note.data as { readonly before: Reading; readonly after: Reading }
  const passedMs = clocks.after.monotonicMs - clocks.before.monotonicMs
  assert.ok(passedMs > 0 && passedMs < 1_000)
  assert.ok(Math.abs(clocks.after.wallMs - clocks.before.wallMs - passedMs - jump.byMs) < 2)
})

test('a process that dies when its request has left does not undo what the request does', async () => {
  const entries = await historyOf('crash@front.transport:writer.write:sent#1')
  assert.equal(executed(entries), 2)
  assert.equal(entries.filter((entry) => entry.kind === 'start' && entry.node === 'front').length, 2)
})

test('a worker that stood still longer than its lease finds that it has lost it', async () => {
  const kinds = new Set<string>()
  await explore({
    system: mailing,
    invariants: [anything],
    replay: 'seed=1 pause@worker-one.queue:mails:acknowledge:before#1',
    onHistory: ({ entries }) => entries.forEach(({ kind }) => kinds.add(kind)),
  })
  assert.ok(kinds.has('pause') && kinds.has('resume') && kinds.has('lease-lost'), [...kinds].join())
})

test('every kind of fault strikes somewhere', async () => {
  const struck = new Set<FaultKind>()
  const faults = FAULT_KINDS.filter((kind) => kind !== 'crash')
  for (const system of [twoServices, mailing, writer]) {
    const result = await explore({ system, invariants: [anything], exhaustive: 1, faults })
    for (const kind of Object.keys(result.struck) as FaultKind[]) struck.add(kind)
  }
  assert.deepEqual([...struck].toSorted(), [...faults].toSorted())
})
