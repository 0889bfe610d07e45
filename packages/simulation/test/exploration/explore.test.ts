import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BrokenInvariantError,
  EndlessHistoryError,
  type Fault,
  InvariantViolatedError,
  NoFaultStruckError,
  NodeStartError,
  NotRepeatableError,
  client,
  explore,
  formatHistory,
  invariant,
  node,
  parseHistory,
  simulate,
  violated,
} from '@seaworthy/simulation'
import { faultPoint, setEnvironment } from 'seaworthy/core'
import { everyOrderIsShippedOnce, twoServices } from '../../../../test/simulation/worlds/outbox-inbox.ts'

const anything = invariant('anything goes', () => undefined)
const caller = client('caller', async ({ call }) => {
  await call('worker', 'work', { n: 1 })
})
const counting = { component: 'counts', versions: ['CREATE TABLE counts (n INTEGER NOT NULL) STRICT'] }

/** A node that writes twice, with a place to die in between. */
const twoWrites = {
  nodes: [
    node('worker', async ({ database }) => {
      const counts = await database({ schema: [counting] })
      const add = () => counts.atomically([{ sql: 'INSERT INTO counts (n) VALUES (1)' }])
      return {
        work: async () => {
          await add()
          await faultPoint('between')
          await add()
        },
      }
    }),
  ],
  clients: [client('caller', ({ call }) => call<void>('worker', 'work', null, { key: null }).catch(() => undefined))],
}
const bothOrNone = invariant('both or none', (view) => {
  const [row] = view.query<{ rows: number }>('worker', 'SELECT count(*) AS rows FROM counts')
  if (row!.rows === 1) violated('one write without the other')
})

test('tables that a history makes, and leaves, are not there for the next', async () => {
  const system = {
    nodes: [
      node('worker', async ({ database }) => {
        const counts = await database({ schema: [counting] })
        return {
          work: async ({ n }: { n: number }) => {
            // As a read model does whose versions have tables of their own.
            const made = await counts.query({ sql: "SELECT 1 FROM sqlite_schema WHERE name = 'made'" })
            await counts.atomically([
              { sql: 'CREATE TABLE IF NOT EXISTS made (n INTEGER NOT NULL) STRICT' },
              { sql: 'INSERT INTO made (n) VALUES (?)', params: [n] },
              { sql: 'DROP TABLE IF EXISTS counts' },
            ])
            return made.length
          },
        }
      }),
    ],
    clients: [
      client('caller', async ({ call, note }) => {
        note('tables before', await call('worker', 'work', { n: 1 }))
      }),
    ],
  }
  const fresh = invariant('each history begins with what was migrated, and nothing else', (view) => {
    const [row] = view.query<{ rows: number }>('worker', 'SELECT count(*) AS rows FROM made')
    if (row!.rows !== 1) violated(`${row!.rows} rows`)
    if (view.history.some((entry) => entry.kind === 'note' && entry.data !== 0)) violated('a table was there before it was made')
  })
  const { runs } = await simulate({ system, invariants: [fresh], seeds: 3, faults: 'none' })
  assert.ok(runs >= 3, `${runs} runs`)
})

test('the same seeds give the same histories, with either way to drain promises', async () => {
  const traces = { checkpoint: [] as string[], macrotask: [] as string[] }
  for (const drain of ['checkpoint', 'macrotask'] as const) {
    const onHistory = ({ traceHash }: { traceHash: string }) => traces[drain].push(traceHash)
    await simulate({ system: twoServices, invariants: [everyOrderIsShippedOnce], seeds: 40, drain, onHistory })
  }
  assert.deepEqual(traces.checkpoint, traces.macrotask)
  assert.ok(new Set(traces.checkpoint).size > 35, 'different seeds gave equal histories')
})

test('a failure is shrunk to its one fault, and its line of text runs it again, trace for trace', async () => {
  const { failure } = await explore({ system: twoWrites, invariants: [bothOrNone], seeds: 500, faultsMax: 6 })
  assert.ok(failure !== undefined)
  assert.equal(failure.invariant, 'both or none')
  assert.equal(failure.faults.length, 1)
  const again = await explore({ system: twoWrites, invariants: [bothOrNone], replay: failure.history })
  assert.deepEqual(again.failure?.entries, failure.entries)
  await assert.rejects(
    simulate({ system: twoWrites, invariants: [bothOrNone], replay: failure.history }),
    (error) => error instanceof InvariantViolatedError && error.message.includes(failure.history),
  )
})

test('every point is tried with every fault that is possible there', async () => {
  const tried = new Set<string>()
  const result = await explore({
    system: twoWrites,
    invariants: [anything],
    exhaustive: 1,
    faults: ['crash'],
    onHistory: ({ struck }) => tried.add(formatHistory({ seed: 1, faults: struck })),
  })
  for (const point of ['worker.fault-point:between#1', 'worker.database:commit:before#3', 'worker.transport:work:reply#1']) {
    assert.ok(tried.has(`seed=1 crash@${point}`), `${point} was not tried`)
  }
  assert.equal(result.missed, 0)
})

test('a share of an exhaustive exploration is the same each time, and a share of none is refused', async () => {
  const runsOf = async (share: number) => {
    const tried: string[] = []
    const onHistory = ({ struck }: { struck: readonly Fault[] }) => tried.push(formatHistory({ seed: 1, faults: struck }))
    await explore({ system: twoWrites, invariants: [anything], exhaustive: 1, share, onHistory })
    return tried
  }
  const [whole, half] = [await runsOf(1), await runsOf(0.5)]
  assert.ok(half.length > whole.length / 4 && half.length < (whole.length * 3) / 4, `${half.length} of ${whole.length}`)
  assert.deepEqual(await runsOf(0.5), half)
  assert.deepEqual(new Set([...whole, ...half]), new Set(whole))
  await assert.rejects(runsOf(0), /share of 0/)
})

test('at depth two a process dies again while it recovers', async () => {
  const starts: number[] = []
  await explore({
    system: twoWrites,
    invariants: [anything],
    exhaustive: 2,
    faults: ['crash'],
    onHistory: ({ entries }) => starts.push(entries.filter(({ kind }) => kind === 'start').length),
  })
  assert.equal(Math.max(...starts), 3)
})

test('a history as text comes back as it was', () => {
  const text = 'seed=7 crash@orders.database:commit:after#1 lose@orders.event-log:append:before#2'
  assert.equal(formatHistory(parseHistory(text)), text)
  assert.throws(() => parseHistory('crash@orders#1'), /seed=N/)
  assert.throws(() => parseHistory('seed=1 sneeze@orders#1'), /kind@point/)
})

test('a crash rolls back what was not committed, runs no finally, and a new life begins on what was', async () => {
  const lives: string[] = []
  const system = {
    nodes: [
      node('worker', async ({ database }) => {
        const counts = await database({ schema: [counting] })
        lives.push('begun')
        return {
          work: async () => {
            try {
              await counts.atomically([{ sql: 'INSERT INTO counts (n) VALUES (1)' }])
            } finally {
              lives.push('finally')
            }
          },
        }
      }),
    ],
    clients: [caller],
  }
  const committedOnce = invariant('the retry alone is there', (view) => {
    assert.deepEqual(view.query('worker', 'SELECT n FROM counts'), [{ n: 1 }])
  })
  await simulate({ system, invariants: [committedOnce], replay: 'seed=1 crash@worker.database:commit:before#2' })
  assert.deepEqual(lives, ['begun', 'begun', 'finally'])
})

test('state at module level, which survives a crash that should have ended it, is found', async () => {
  const seen = new Set<number>()
  const system = {
    nodes: [
      node('worker', async () => ({
        work: async ({ n }: { n: number }) => {
          const known = seen.has(n)
          seen.add(n)
          return { known }
        },
      })),
    ],
    clients: [caller],
  }
  await assert.rejects(explore({ system, invariants: [anything], seeds: 1 }), (error) => {
    return error instanceof NotRepeatableError && /module level/.test(error.message)
  })
})

test('bad use is a typed error that says what to do', async () => {
  const idle = { nodes: [node('worker', async () => undefined)], clients: [] }
  await assert.rejects(explore({ system: idle, invariants: [anything], seeds: 3 }), NoFaultStruckError)
  const throwing = invariant('mistaken', () => {
    throw new TypeError('undefined is not a function')
  })
  await assert.rejects(explore({ system: twoWrites, invariants: [throwing], seeds: 1 }), BrokenInvariantError)
  const waiting = invariant('waiting', () => new Promise(() => undefined))
  await assert.rejects(explore({ system: twoWrites, invariants: [waiting], seeds: 1, stepsMax: 5_000 }), BrokenInvariantError)
  const failing = { nodes: [node('worker', () => Promise.reject(new Error('no port')))], clients: [] }
  await assert.rejects(explore({ system: failing, invariants: [anything], seeds: 1 }), NodeStartError)
  const spinning = {
    nodes: [
      node('worker', async ({ clock }) => {
        const spin = () => void clock.timer(0, spin)
        spin()
      }),
    ],
    clients: [],
  }
  await assert.rejects(explore({ system: spinning, invariants: [anything], seeds: 1, stepsMax: 5_000 }), EndlessHistoryError)
  const first = explore({ system: twoWrites, invariants: [anything], faults: 'none' })
  await assert.rejects(explore({ system: twoWrites, invariants: [anything], faults: 'none' }), /under way/)
  await first
  await assert.rejects(explore({ system: twoWrites, invariants: [], seeds: 1 }), /Without an invariant/)
  await assert.rejects(explore({ system: twoWrites, invariants: [anything] }), /Nothing was asked for/)
})

test('a rejection that nobody handles is a finding: a process would have died of it', async () => {
  const system = {
    nodes: [
      node('worker', async () => ({
        work: async () => {
          void Promise.reject(new Error('nobody looks'))
        },
      })),
    ],
    clients: [caller],
  }
  const { failure } = await explore({ system, invariants: [anything], faults: 'none' })
  assert.match(failure?.message ?? '', /nobody looks/)
})

test('an exploration leaves nothing behind', async () => {
  const before = process.listeners('unhandledRejection')
  await explore({ system: twoWrites, invariants: [anything], faults: 'none' })
  assert.deepEqual(process.listeners('unhandledRejection'), before)
  setEnvironment(() => undefined)()
})
