import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock, eventually } from '@seaworthy/testing'
import { VisibleCommits } from '../src/visible-commits.ts'

/** Snapshots are asked for, and answered by the test. */
function open() {
  const clock = new VirtualClock()
  const woken: string[] = []
  const asked: PromiseWithResolvers<string>[] = []
  const commits = new VisibleCommits({
    snapshot: () => {
      const answer = Promise.withResolvers<string>()
      asked.push(answer)
      return answer.promise
    },
    onVisible: (topic) => woken.push(topic),
    clock,
  })
  /** Answers the next question. */
  const answer = async (snapshot: string) => {
    await eventually('a snapshot is asked for', async () => {
      if (asked.length > 0) return true
      await clock.advance(100)
      return false
    })
    asked.shift()!.resolve(snapshot)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { commits, woken, asked, answer }
}

const of = (...topics: string[]) => new Set(topics)

test('a commit is told once a snapshot shows it, whatever it says of others', async () => {
  const { commits, woken, answer } = open()
  commits.add(100, of('orders', 'payments'))
  await answer('90:100:95')
  await answer('90:105:95,100,103')
  assert.deepEqual(woken, [])
  await answer('95:105:95,103')
  assert.deepEqual(woken, ['orders', 'payments'])
})

test('those that come while a snapshot is asked for share the next one, and are not judged by the one before', async () => {
  const { commits, woken, asked, answer } = open()
  commits.add(100, of('a'))
  commits.add(101, of('b'))
  commits.add(102, of('b', 'c'))
  assert.equal(asked.length, 1)
  await answer('110:110:')
  assert.deepEqual(woken, ['a'])
  await answer('110:110:')
  assert.deepEqual(woken, ['a', 'b', 'c'])
  assert.equal(asked.length, 0)
})

test('numbers of transactions wrap around at 32 bits', async () => {
  const { commits, woken, answer } = open()
  commits.add(0xff_ff_ff_f0, of('before'))
  await answer('4294967296:4294967300:')
  commits.add(3, of('after'))
  await answer('4294967290:4294967299:4294967290')
  assert.deepEqual(woken, ['before'])
  await answer('4294967290:4294967300:4294967290')
  assert.deepEqual(woken, ['before', 'after'])
})

test('a server that does not answer, and the end, tell what waits', async () => {
  const { commits, woken, asked, answer } = open()
  commits.add(1, of('failed'))
  asked.shift()!.reject(new Error('gone'))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(woken, ['failed'])
  commits.add(2, of('stopped'))
  commits.stop()
  assert.deepEqual(woken, ['failed', 'stopped'])
  commits.add(3, of('late'))
  await answer('1:1:')
  assert.deepEqual(woken, ['failed', 'stopped'])
  assert.equal(asked.length, 0)
})
