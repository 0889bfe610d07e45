import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { observed, type Operation, watchOperations } from 'seaworthy/core'

const describeIt = (): Operation => ({ name: 'GET /stock', kind: 'client', attributes: {} })

/** Listens to one kind of work and keeps what it hears. */
function listening(name: string) {
  const heard: string[] = []
  const stopWatching = watchOperations((declared, channel) => {
    if (declared !== name) return
    const handlers = {
      start: (operation: Operation) => void heard.push(`start ${operation.name}`),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (operation: Operation) => void heard.push(`end ${String(operation.attributes['answer'])}`),
      error: (operation: Operation & { error: unknown }) => void heard.push(`error ${(operation.error as Error).message}`),
    }
    channel.subscribe(handlers)
    unsubscribe = () => channel.unsubscribe(handlers)
  })
  let unsubscribe: () => void = () => {}
  return {
    heard,
    stop: () => {
      stopWatching()
      unsubscribe()
    },
  }
}

describe('observed work', () => {
  test('describes nothing when nobody listens', async () => {
    const describe = () => assert.fail('described')
    const result = await observed('test.silent').run(describe, async (operation) => {
      assert.equal(operation, undefined)
      return 7
    })
    assert.equal(result, 7)
  })

  test('tells a listener of start and end, with what the work added meanwhile', async () => {
    const listener = listening('test.heard')
    try {
      await observed('test.heard').run(describeIt, async (operation) => {
        await Promise.resolve()
        operation!.attributes['answer'] = 42
      })
    } finally {
      listener.stop()
    }
    assert.deepEqual(listener.heard, ['start GET /stock', 'end 42'])
    await observed('test.heard').run(
      () => assert.fail('described'),
      async () => {},
    )
  })

  test('passes errors on, to the caller as they are and to the listener', async () => {
    const failure = new Error('no stock')
    const listener = listening('test.failing')
    try {
      await assert.rejects(
        observed('test.failing').run(describeIt, () => Promise.reject(failure)),
        failure,
      )
    } finally {
      listener.stop()
    }
    assert.deepEqual(listener.heard, ['start GET /stock', 'error no stock', 'end undefined'])
    await assert.rejects(
      observed('test.failing').run(describeIt, () => Promise.reject(failure)),
      failure,
    )
  })

  test('a watcher hears of kinds declared before and after, each once', () => {
    const seen: string[] = []
    observed('test.before')
    const stop = watchOperations((name) => void seen.push(name))
    observed('test.after')
    observed('test.after')
    stop()
    observed('test.too-late')
    assert.equal(seen.filter((name) => name === 'test.before').length, 1)
    assert.equal(seen.filter((name) => name === 'test.after').length, 1)
    assert.ok(!seen.includes('test.too-late'))
  })
})
