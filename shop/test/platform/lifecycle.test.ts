import { VirtualClock } from '@seaworthy/testing'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startLifecycle } from '../../platform/lifecycle.ts'

const neverLate = () => assert.fail('the stop took too long')

describe('the lifecycle of a process', () => {
  test('stops what was started last first, one after another, once', async () => {
    const lifecycle = startLifecycle({ onTimeout: neverLate })
    const order: string[] = []
    for (const name of ['database', 'relay', 'intake']) {
      lifecycle.add(name, async () => {
        order.push(`${name} stops`)
        await Promise.resolve()
        order.push(`${name} stopped`)
      })
    }
    lifecycle.ready()
    assert.equal(lifecycle.isReady, true)
    await Promise.all([lifecycle.stop('SIGTERM'), lifecycle.stop('SIGTERM')])
    assert.deepEqual(order, ['intake stops', 'intake stopped', 'relay stops', 'relay stopped', 'database stops', 'database stopped'])
    assert.equal(lifecycle.isReady, false)
    assert.equal(lifecycle.signal.aborted, true)
  })

  test('a part that fails to stop is told about, and the others stop all the same', async () => {
    const failed: string[] = []
    const lifecycle = startLifecycle({ onTimeout: neverLate, onStopError: (part) => failed.push(part) })
    let databaseStopped = false
    lifecycle.add('database', () => {
      databaseStopped = true
    })
    lifecycle.add('relay', () => Promise.reject(new Error('disk full')))
    await lifecycle.stop('SIGTERM')
    assert.deepEqual([failed, databaseStopped], [['relay'], true])
  })

  test('a part that never ends is named when the time is over', async () => {
    const clock = new VirtualClock()
    const late: string[] = []
    const lifecycle = startLifecycle({ stopTimeoutMs: 4_000, onTimeout: (part) => late.push(part), clock })
    lifecycle.add('intake', () => new Promise<void>(() => {}))
    void lifecycle.stop('SIGTERM')
    await clock.advance(3_999)
    assert.deepEqual(late, [])
    await clock.advance(1)
    assert.deepEqual(late, ['intake'])
  })

  test('a process that was told to stop while it starts never becomes ready', async () => {
    const lifecycle = startLifecycle({ onTimeout: neverLate })
    await lifecycle.stop('SIGTERM')
    lifecycle.ready()
    assert.equal(lifecycle.isReady, false)
  })
})
