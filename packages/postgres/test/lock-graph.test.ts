import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type LockGraph, type LockSession, rootOf } from '../src/locks/lock-graph.ts'

const session = (pid: number, blockers: readonly number[], transactionMs?: number): LockSession => ({
  pid,
  blockers,
  waitedMs: blockers.length > 0 ? 1 : undefined,
  waitingSince: undefined,
  application: undefined,
  state: undefined,
  statement: undefined,
  idleMs: undefined,
  transactionMs,
})
const graph = (...sessions: readonly LockSession[]): LockGraph => new Map(sessions.map((each) => [each.pid, each]))

test('the root of a chain is the one who waits for nobody, and the chain says who stands between', () => {
  const chain = graph(session(1, [2]), session(2, [3]), session(3, []))
  assert.deepEqual(rootOf(chain, 1), { kind: 'holder', chain: [2, 3], pid: 3 })
  assert.deepEqual(rootOf(chain, 2), { kind: 'holder', chain: [3], pid: 3 })
  assert.equal(rootOf(chain, 3), undefined)
})

test('a blocker of which the server tells nothing more is a root', () => {
  assert.deepEqual(rootOf(graph(session(1, [9])), 1), { kind: 'holder', chain: [9], pid: 9 })
})

test('of several holders the oldest is named, one that was named before stays named, and a prepared transaction comes first', () => {
  const shared = graph(session(1, [2, 3]), session(2, [], 10), session(3, [], 500))
  assert.equal(rootOf(shared, 1)?.pid, 3)
  assert.equal(rootOf(shared, 1, 2)?.pid, 2)
  assert.equal(rootOf(shared, 1, 7)?.pid, 3)
  assert.equal(rootOf(graph(session(1, [3, 0]), session(3, [], 500), session(0, [])), 1)?.pid, 0)
})

test('who stands in a circle waits for the one before it, and who waits behind a circle for the nearest in it', () => {
  const circle = graph(session(1, [2]), session(2, [1]))
  assert.deepEqual(rootOf(circle, 1), { kind: 'circle', chain: [2], pid: 2 })
  const behind = graph(session(9, [5]), session(5, [1]), session(1, [2]), session(2, [1]))
  assert.deepEqual(rootOf(behind, 9), { kind: 'circle', chain: [5, 1], pid: 1 })
})

test('in any graph the chain follows the waits, and its end waits for nobody unless no way leads out', () => {
  const graphs = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 3 }), { minLength: 12, maxLength: 12 }).map((all) =>
    graph(
      ...all.map((blockers, pid) =>
        session(
          pid,
          blockers.filter((each) => each !== pid),
        ),
      ),
    ),
  )
  fc.assert(
    fc.property(graphs, fc.integer({ min: 0, max: 11 }), (locks, waiter) => {
      const found = rootOf(locks, waiter)
      // Everybody on whom the waiter waits, the slow and plain way.
      const reached = new Set<number>()
      for (let size = -1; size !== reached.size;) {
        size = reached.size
        for (const pid of [waiter, ...reached]) for (const blocker of locks.get(pid)!.blockers) reached.add(blocker)
      }
      if (reached.size === 0) return assert.equal(found, undefined)
      let at = waiter
      for (const pid of found!.chain) {
        assert.ok(locks.get(at)!.blockers.includes(pid))
        at = pid
      }
      assert.equal(at, found!.pid)
      assert.equal(new Set(found!.chain).size, found!.chain.length)
      const roots = [...reached].filter((pid) => locks.get(pid)!.blockers.length === 0)
      assert.equal(found!.kind, roots.length === 0 ? 'circle' : 'holder')
      if (roots.length > 0) assert.ok(roots.includes(found!.pid))
    }),
    { numRuns: 500 },
  )
})
