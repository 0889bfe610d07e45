import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { executedOf, sleep } from 'seaworthy/core'
import { lifecycle, StopError } from 'seaworthy/system'
import { VirtualClock } from '@seaworthy/testing'

async function stopErrorOf(promise: Promise<void>): Promise<StopError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof StopError)
    return error
  }
  assert.fail('stopped cleanly')
}

describe('a lifecycle', () => {
  test('stops its parts in reverse order, one after another', async () => {
    const clock = new VirtualClock()
    const life = lifecycle({ clock })
    const seen: string[] = []
    for (const name of ['database', 'relay', 'server']) {
      life.add(name, async () => {
        seen.push(`${name} stops`)
        await sleep(clock, 100)
        seen.push(`${name} stopped`)
      })
    }
    const stopped = life.stop('SIGTERM')
    await clock.advance(300)
    await stopped
    assert.deepEqual(seen, ['server stops', 'server stopped', 'relay stops', 'relay stopped', 'database stops', 'database stopped'])
    assert.deepEqual(clock.pending, [])
  })

  test('is ready from ready() until the stop begins, and never after', async () => {
    const life = lifecycle()
    assert.equal(life.isReady, false)
    life.ready()
    assert.equal(life.isReady, true)
    const stopped = life.stop('test')
    assert.equal(life.isReady, false)
    life.ready()
    assert.equal(life.isReady, false)
    await stopped
    life.ready()
    assert.equal(life.isReady, false)
  })

  test('tells loops by its signal, before any part is stopped', async () => {
    const life = lifecycle()
    let abortedFirst = false
    life.add('loop', () => {
      abortedFirst = life.signal.aborted
    })
    await life.stop('SIGTERM')
    assert.equal(abortedFirst, true)
    assert.match(String(life.signal.reason), /^AbortError: .*SIGTERM/)
    // A call that it ends may have been executed.
    assert.equal(executedOf(life.signal.reason), 'maybe')
  })

  test('a part that fails does not keep the others from stopping, and is reported', async () => {
    const reported: string[] = []
    const stopped: string[] = []
    const life = lifecycle({ onStopError: (part, error) => reported.push(`${part}: ${(error as Error).message}`) })
    life.add('first', () => void stopped.push('first'))
    life.add('rejects', () => Promise.reject(new Error('flush failed')))
    life.add('throws', () => {
      throw new Error('port gone')
    })
    life.add('last', () => void stopped.push('last'))
    const error = await stopErrorOf(life.stop('test'))
    assert.deepEqual(error.parts, ['throws', 'rejects'])
    assert.deepEqual(stopped, ['last', 'first'])
    assert.deepEqual(reported, ['throws: port gone', 'rejects: flush failed'])
  })

  test('gives up when time runs out, and names what is not stopped', async () => {
    const clock = new VirtualClock()
    const life = lifecycle({ clock, stopTimeoutMs: 500 })
    life.add('database', () => {})
    life.add('hangs', () => new Promise(() => {}))
    life.add('server', () => sleep(clock, 100))
    const stopped = stopErrorOf(life.stop('test'))
    await clock.advance(500)
    const error = await stopped
    assert.deepEqual(error.parts, ['hangs', 'database'])
    assert.match(error.message, /500 ms \(stopTimeoutMs\): hangs, database/)
    assert.deepEqual(clock.pending, [])
  })

  test('a second stop gets the same promise, also from a listener to the signal', async () => {
    const life = lifecycle()
    let stops = 0
    life.add('server', () => void stops++)
    let inner: Promise<void> | undefined
    life.signal.addEventListener('abort', () => {
      inner = life.stop('again')
    })
    const first = life.stop('SIGTERM')
    assert.equal(life.stop('SIGINT'), first)
    assert.equal(inner, first)
    await first
    assert.equal(life.stop('later'), first)
    assert.equal(stops, 1)
  })

  test('a part that is added while the process stops, or after, is stopped too', async () => {
    const life = lifecycle()
    const stopped: string[] = []
    life.add('server', async () => {
      life.add('started late', () => void stopped.push('started late'))
    })
    await life.stop('test')
    assert.deepEqual(stopped, ['started late'])
    life.add('started too late', () => void stopped.push('started too late'))
    assert.deepEqual(stopped, ['started late', 'started too late'])
  })
})
