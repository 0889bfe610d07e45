import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { EscapeError, client, explore, invariant, node } from '@seaworthy/simulation'
import { newId, systemClock, systemRandom } from 'seaworthy/core'

const anything = invariant('anything goes', () => undefined)

function systemThat(works: () => unknown) {
  return {
    nodes: [
      node('worker', async () => ({
        work: async () => {
          try {
            await works()
          } catch {
            // Caught or not, it is an escape.
          }
        },
      })),
    ],
    clients: [client('caller', ({ call }) => call<void>('worker', 'work', null))],
  }
}

const ESCAPES: readonly (readonly [string, () => unknown])[] = [
  ['Date.now', () => Date.now()],
  ['new Date()', () => new Date()],
  ['performance.now', () => performance.now()],
  ['Math.random', () => Math.random()],
  ['setTimeout', () => setTimeout(() => undefined, 1)],
  ['setImmediate', () => setImmediate(() => undefined)],
  ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
  ['crypto.randomUUID', () => randomUUID()],
  ['crypto.randomBytes', () => randomBytes(4)],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(4))],
  ['fetch', () => fetch('http://127.0.0.1:9')],
  ['net.Socket.connect', () => createConnection(9, '127.0.0.1')],
  ['fs.readFileSync', () => readFileSync('/dev/null')],
  ['fs/promises.readFile', () => readFile('/dev/null')],
  ['child_process.spawn', () => spawn('true')],
]

for (const [name, works] of ESCAPES) {
  test(`${name} inside a simulation is an error that names it and its place`, async () => {
    await assert.rejects(explore({ system: systemThat(works), invariants: [anything], faults: 'none' }), (error) => {
      assert.ok(error instanceof EscapeError, String(error))
      assert.equal(error.escape, name)
      assert.match(error.stack ?? '', /escape-guard\.test\.ts/)
      return true
    })
  })
}

const asksTheNet = () => lookup('localhost').catch(() => undefined)

test('what no trap stands before is seen as it is made', async () => {
  await assert.rejects(explore({ system: systemThat(asksTheNet), invariants: [anything], faults: 'none' }), (error) => {
    assert.ok(error instanceof EscapeError, String(error))
    assert.equal(error.escape, 'something that opens a GETADDRINFOREQWRAP')
    assert.match(error.stack ?? '', /escape-guard\.test\.ts/)
    return true
  })
})

test('in a history where nobody looks, what is left open tells of it, and the history is run again to see where', async () => {
  let histories = 0
  const system = {
    nodes: [
      node('worker', async ({ process }) => {
        // Only in a second life, which no history without a fault has.
        if (process.number > 1) void asksTheNet()
        return { work: async () => undefined }
      }),
    ],
    clients: [client('caller', ({ call }) => call<void>('worker', 'work', null))],
  }
  await assert.rejects(
    explore({ system, invariants: [anything], exhaustive: 1, faults: ['crash'], onHistory: () => histories++ }),
    (error) => {
      assert.ok(error instanceof EscapeError, String(error))
      assert.equal(error.escape, 'something that opens a GETADDRINFOREQWRAP')
      assert.match(error.stack ?? '', /escape-guard\.test\.ts/)
      return true
    },
  )
  assert.equal(histories, 2, 'the first crash begins a second life')
})

test('ticks and dates made of a number are no escape, and the defaults of the library come from the simulation', async () => {
  const seen: unknown[] = []
  const works = async () => {
    await new Promise<void>((resolve) => process.nextTick(resolve))
    seen.push(new Date(0).toISOString(), systemClock.now(), newId(), systemRandom.float())
  }
  await explore({ system: systemThat(works), invariants: [anything], faults: 'none' })
  assert.deepEqual(seen.slice(0, 4), seen.slice(4), 'two runs of one history saw different things')
  assert.ok(Math.abs(Number(seen[1]) - Date.UTC(2026, 0, 1)) < 60_000)
})

test('outside nothing is left behind', () => {
  assert.ok(Math.abs(Date.now() - systemClock.now()) < 1_000)
  assert.equal(new Date().constructor, Date)
  assert.notEqual(randomUUID(), randomUUID())
})
