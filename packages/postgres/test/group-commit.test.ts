import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { suite, test } from 'node:test'
import { LimitExceededError } from 'seaworthy/core'
import { VirtualClock } from '@seaworthy/testing'
import { type GroupCommitOptions, GroupCommit } from '../src/group-commit.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

interface Written {
  readonly group: readonly number[]
  readonly end: () => void
  readonly fail: (error: Error) => void
}

const ofOne = new Error('one of them')

/** Groups that end when the test says so: each entry then comes to ten times itself. */
function opened(options: Partial<GroupCommitOptions<number, number>> = {}) {
  const written: Written[] = []
  const commits = new GroupCommit<number, number>({
    commit: (group) =>
      new Promise((resolve, reject) => written.push({ group, end: () => resolve(group.map((entry) => entry * 10)), fail: reject })),
    isOfOne: (error) => error === ofOne,
    alone: async (entry) => entry * 100,
    groupSizeMax: 3,
    groupsMax: 2,
    ...options,
  })
  const groups = () => written.map(({ group }) => group)
  return { commits, written, groups, add: (...entries: readonly number[]) => entries.map((entry) => commits.add(entry)) }
}

void suite('a group commit', () => {
  test('lets who comes alone go at once, and those who come together go together', async () => {
    const { add, written, groups } = opened()
    const alone = add(1)
    await turn()
    const together = add(2, 3)
    await turn()
    assert.deepEqual(groups(), [[1], [2, 3]])
    for (const { end } of written) end()
    assert.deepEqual(await Promise.all([...alone, ...together]), [10, 20, 30])
  })

  test('lets wait who finds it busy, and take the next in the order of arrival, no more than fit', async () => {
    const { add, written, groups } = opened()
    const all = add(1, 2, 3, 4, 5, 6, 7, 8)
    await turn()
    assert.deepEqual(groups(), [
      [1, 2, 3],
      [4, 5, 6],
    ])
    all.push(...add(9, 10))
    written[1]!.end()
    await turn()
    assert.deepEqual(groups().slice(2), [[7, 8, 9]])
    written[0]!.end()
    await turn()
    assert.deepEqual(groups().slice(3), [[10]])
    for (const { end } of written) end()
    assert.deepEqual(
      await Promise.all(all),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((entry) => entry * 10),
    )
  })

  test('has callers who were answered together in one group again', async () => {
    const { add, commits, written, groups } = opened({ groupsMax: 1 })
    const again = add(1, 2, 3).map(async (answer) => commits.add(await answer))
    await turn()
    written[0]!.end()
    await turn()
    assert.deepEqual(groups()[1], [10, 20, 30])
    written[1]!.end()
    assert.deepEqual(await Promise.all(again), [100, 200, 300])
  })

  test('puts what is large with few others, and what is too large for any by itself', async () => {
    const { add, groups } = opened({ lengthOf: (entry) => entry, groupLengthMax: 10, groupsMax: 9 })
    void add(9, 1, 5, 20, 6, 4, 1)
    await turn()
    assert.deepEqual(groups(), [[9, 1], [5], [20], [6, 4], [1]])
  })

  test('fails all of a group that fails, and none of another', async () => {
    const { add, written } = opened()
    const [first, second, third, fourth] = add(1, 2, 3, 4)
    await turn()
    const failure = new Error('no disk')
    written[0]!.fail(failure)
    written[1]!.end()
    for (const answer of [first, second, third]) await assert.rejects(answer!, failure)
    assert.equal(await fourth, 40)
  })

  test('lets each go by itself after a failure that may be of one, and the next group waits for none of them', async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const failure = new Error('of 2')
    const alone = (entry: number) => (entry === 1 ? promise : entry === 2 ? Promise.reject(failure) : Promise.resolve(entry * 100))
    const { add, written, groups } = opened({ groupsMax: 1, alone })
    const [first, second, third] = add(1, 2, 3)
    await turn()
    const [fourth] = add(4)
    written[0]!.fail(ofOne)
    await assert.rejects(second!, failure)
    assert.equal(await third, 300)
    await turn()
    assert.deepEqual(groups()[1], [4])
    // That of a single one is its own.
    written[1]!.fail(ofOne)
    await assert.rejects(fourth!, ofOne)
    resolve(11)
    assert.equal(await first, 11)
  })

  test('refuses who would wait behind too many, and who waited for too long', async () => {
    const clock = new VirtualClock()
    const { add, written } = opened({
      groupSizeMax: 1,
      groupsMax: 1,
      waiting: { what: 'statements on orders', queueMax: 2, waitMs: 100, clock },
    })
    const [first] = add(1)
    await turn()
    const [second, third, fourth] = add(2, 3, 4)
    await assert.rejects(fourth!, (error) => error instanceof LimitExceededError && /2 statements on orders wait/.test(error.message))
    await clock.advance(60)
    written[0]!.end()
    assert.equal(await first, 10)
    await turn()
    const late = assert.rejects(third!, (error) => error instanceof LimitExceededError && error.executed === 'no')
    await clock.advance(60)
    await late
    // It is under way, and no longer waits.
    written[1]!.end()
    assert.equal(await second, 20)
    assert.equal(written.length, 2)
  })

  test('lets go of who is called off while it waits, and of nobody who is under way', async () => {
    const { commits, written, groups } = opened({ groupSizeMax: 2, groupsMax: 1 })
    const [early, late] = [new AbortController(), new AbortController()]
    const underWay = commits.add(1, late.signal)
    await turn()
    const waiting = [commits.add(2), commits.add(3, early.signal), commits.add(4)] as const
    const calledOff = assert.rejects(waiting[1], /enough/)
    early.abort(new Error('enough'))
    late.abort(new Error('enough'))
    await calledOff
    await assert.rejects(commits.add(5, early.signal), /enough/)
    written[0]!.end()
    assert.equal(await underWay, 10)
    await turn()
    assert.deepEqual(groups(), [[1], [2, 4]])
    written[1]!.end()
    assert.deepEqual(await Promise.all([waiting[0], waiting[2]]), [20, 40])
  })

  test('works in the context of the first caller of a group, and for each alone in its own', async () => {
    const context = new AsyncLocalStorage<string>()
    const contexts: unknown[] = []
    const commits = new GroupCommit<string, void>({
      commit: async (group) => {
        contexts.push(context.getStore())
        if (group.includes('d')) throw ofOne
        return group.map(() => undefined)
      },
      isOfOne: () => true,
      alone: async () => void contexts.push(context.getStore()),
      groupSizeMax: 2,
      groupsMax: 1,
    })
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => context.run(name, () => commits.add(name))))
    assert.deepEqual(contexts, ['a', 'c', 'c', 'd'])
  })
})
