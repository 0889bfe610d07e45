import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RejectedError, UnavailableError, constant } from 'seaworthy/core'
import { saga } from 'seaworthy/saga'
import { nothing, world } from './saga-world.ts'

const rejected = () => Promise.reject(new RejectedError('no', 'No.'))

void suite('steps side by side', () => {
  test('are all begun before any has ended, and what follows sees the results of all', async () => {
    const gate = Promise.withResolvers<void>()
    let inProgress = 0
    const meet = async () => {
      if (++inProgress === 2) gate.resolve()
      await gate.promise
      return inProgress
    }
    const seen: unknown[] = []
    const chain = saga<null>('s', { version: 1 })
      .parallel('both', {
        left: (branch) =>
          branch.step('a', { run: meet, compensate: nothing }).step('a2', { run: async (s) => s.results.a + 1, compensate: nothing }),
        right: (branch) => branch.step('b', { run: meet, compensation: 'not-needed' }),
      })
      .pivot('c', { run: async (s) => seen.push(s.results.a, s.results.a2, s.results.b) })
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual(seen, [2, 3, 2])
  })

  test('are undone side by side, each line in reverse, when one of them is refused; the others finish their attempt and begin no other', async () => {
    const calls: string[] = []
    const release = Promise.withResolvers<void>()
    const note = (text: string) => async () => void calls.push(text)
    const chain = saga<null>('s', { version: 1 })
      .step('before', { run: nothing, compensate: note('undo before') })
      .parallel('both', {
        left: (branch) =>
          branch
            .step('a', { run: note('a'), compensate: note('undo a') })
            .step('slow', { run: () => release.promise, compensate: note('undo slow') })
            .step('never', { run: () => assert.fail('it began'), compensate: nothing }),
        right: (branch) => branch.step('b', { run: rejected, compensate: note('undo b') }),
        patient: (branch) =>
          branch.step('c', {
            run: async () => {
              calls.push('c')
              throw new UnavailableError('Later.')
            },
            compensate: note('undo c'),
            policy: { backoff: constant(60_000) },
          }),
      })
    const { start, settle, clock, store } = world([chain])
    await start(chain, '1', null)
    await clock.advance(0)
    assert.equal((await store.load('1'))?.record.status, 'compensating')
    assert.deepEqual(calls, ['a', 'c'], 'it was undone while a step was in progress')
    release.resolve()
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason], ['compensated', 'no'])
    assert.deepEqual(calls, ['a', 'c', 'undo slow', 'undo a', 'undo before'])
    assert.ok(clock.monotonicMs() < 60_000, 'it waited for a back-off whose step was not wanted any more')
  })

  test('take a slot each', async () => {
    let inProgress = 0
    let most = 0
    const step = async () => {
      most = Math.max(most, ++inProgress)
      await new Promise((resolve) => setImmediate(resolve))
      inProgress--
    }
    const chain = saga<null>('s', { version: 1 }).parallel('all', {
      a: (branch) => branch.step('a', { run: step, compensation: 'not-needed' }),
      b: (branch) => branch.step('b', { run: step, compensation: 'not-needed' }),
      c: (branch) => branch.step('c', { run: step, compensation: 'not-needed' }),
    })
    const { start, settle } = world([chain], { concurrencyMax: 2 })
    await start(chain, '1', null)
    await start(chain, '2', null)
    await settle('1')
    await settle('2')
    assert.equal(most, 2)
  })

  test('after the pivot are each tried until they are done', async () => {
    let tries = 0
    const chain = saga<null>('s', { version: 1 })
      .pivot('decide', { run: nothing })
      .parallel('tell', {
        one: (branch) =>
          branch.step('one', {
            run: async () => {
              if (++tries < 4) throw new UnavailableError('Later.')
            },
            forward: true,
          }),
        other: (branch) => branch.step('other', { run: nothing, forward: true }),
      })
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    assert.deepEqual([(await settle('1')).status, tries], ['completed', 4])
  })
})

void suite('steps on a condition', () => {
  const gift = (calls: string[], refuse = false) =>
    saga<{ gift: boolean }>('s', { version: 1 })
      .when(
        'is a gift',
        (s) => s.input.gift,
        (steps) => steps.step('wrap', { run: async () => 'paper', compensate: async (s) => calls.push(`unwrap ${s.result}`) }),
      )
      .pivot('send', {
        run: async (s) => {
          const paper: string | undefined = s.results.wrap
          calls.push(`${s.results['is a gift']} ${paper}`)
          if (refuse) await rejected()
        },
      })

  test('are done if it holds, and left out if it does not', async () => {
    for (const isGift of [true, false]) {
      const calls: string[] = []
      const chain = gift(calls)
      const { start, settle, journal } = world([chain])
      await start(chain, '1', { gift: isGift })
      assert.equal((await settle('1')).status, 'completed')
      assert.deepEqual(calls, [isGift ? 'true paper' : 'false undefined'])
      assert.equal((await journal('1'))[0], `is a gift done ${isGift}`)
    }
  })

  test('are undone only if they were done', async () => {
    for (const isGift of [true, false]) {
      const calls: string[] = []
      const chain = gift(calls, true)
      const { start, settle } = world([chain])
      await start(chain, '1', { gift: isGift })
      assert.equal((await settle('1')).status, 'compensated')
      assert.deepEqual(calls.slice(1), isGift ? ['unwrap paper'] : [])
    }
  })

  test('turn the saga back, for good, when the condition throws', async () => {
    const chain = saga<null>('s', { version: 1 }).when(
      'broken',
      () => {
        throw new TypeError('a bug')
      },
      (steps) => steps,
    )
    const { start, settle } = world([chain])
    await start(chain, '1', null)
    const { status, reason } = await settle('1')
    assert.deepEqual([status, reason], ['compensated', 'TypeError'])
  })
})

void suite('steps for each item', () => {
  const calls: string[] = []
  const lines = saga<{ skus: string[]; refused?: string }>('s', { version: 1 })
    .step('open', { run: async () => 'order', compensate: async () => calls.push('undo open') })
    .forEach('lines', { items: (s) => s.input.skus, concurrencyMax: 2 }, (line) =>
      line
        .step('reserve', {
          run: async (s) => {
            calls.push(`${s.key} ${s.item} ${s.index} ${s.results.open}`)
            if (s.item === s.input.refused) await rejected()
            return s.item.length
          },
          compensate: async (s) => calls.push(`undo ${s.key} ${s.result}`),
        })
        .step('note', { run: async (s) => s.results.reserve * 2, compensation: 'not-needed' }),
    )
    .pivot('book', { run: async (s) => s.results.lines.map(({ reserve, note }) => reserve + note) })

  test('have keys of their own and see their own results; what follows sees all', async () => {
    calls.length = 0
    const { start, settle, store } = world([lines])
    await start(lines, '1', { skus: ['tea', 'cup', 'kettle'] })
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual(calls, ['1/reserve%5B0%5D tea 0 order', '1/reserve%5B1%5D cup 1 order', '1/reserve%5B2%5D kettle 2 order'])
    const book = (await store.load('1'))!.journal.find(({ step, kind }) => step === 'book' && kind === 'done')
    assert.deepEqual(book?.kind === 'done' && book.result, [9, 9, 18])
  })

  test('are undone from the last item to the first', async () => {
    calls.length = 0
    const { start, settle } = world([lines])
    await start(lines, '1', { skus: ['a', 'b', 'c', 'dd'], refused: 'dd' })
    assert.equal((await settle('1')).status, 'compensated')
    const undone = calls.filter((call) => call.startsWith('undo')).map((call) => call.replace('1/reserve%5B', '').replace('%5D', ''))
    assert.deepEqual(undone, ['undo 2 1', 'undo 1 1', 'undo 0 1', 'undo open'])
  })

  test('may be none, and no more than allowed', async () => {
    const few = saga<string[]>('s', { version: 1 }).forEach('all', { items: (s) => s.input, itemsMax: 2 }, (each) =>
      each.step('one', { run: nothing, compensation: 'not-needed' }),
    )
    const { start, settle } = world([few])
    await start(few, 'none', [])
    await start(few, 'many', ['a', 'b', 'c'])
    assert.equal((await settle('none')).status, 'completed')
    assert.deepEqual([(await settle('many')).status, (await settle('many')).reason], ['compensated', 'saga-items'])
  })

  test('may have more of them inside', async () => {
    const seen: unknown[] = []
    const nested = saga<number[][]>('s', { version: 1 })
      .forEach('rows', { items: (s) => s.input }, (row) =>
        row.forEach('cells', { items: (s) => s.item, concurrencyMax: 3 }, (cell) =>
          cell.step('double', { run: async (s) => s.item * 2, compensation: 'not-needed' }),
        ),
      )
      .pivot('sum', { run: async (s) => void seen.push(s.results.rows.map(({ cells }) => cells.map(({ double }) => double))) })
    const { start, settle, journal } = world([nested])
    await start(nested, '1', [[1, 2], [], [3]])
    assert.equal((await settle('1')).status, 'completed')
    assert.deepEqual(seen, [[[2, 4], [], [6]]])
    assert.ok((await journal('1')).includes('double[2][0] done 6'))
  })
})
