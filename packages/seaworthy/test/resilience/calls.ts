import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { type CallContext, rootContext } from 'seaworthy/core'
import type { VirtualClock } from '@seaworthy/testing'

/** A call that a test ends by hand. */
interface HeldCall {
  readonly call: CallContext
  succeed(value?: string): void
  fail(error: unknown): void
}

/** A body whose calls stay open until the test ends them; keeps the most that ran at once. */
export function heldBody() {
  const calls: HeldCall[] = []
  const seen = { running: 0, runningMax: 0 }
  const body = (call: CallContext): Promise<string> => {
    seen.running++
    seen.runningMax = Math.max(seen.runningMax, seen.running)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    calls.push({
      call,
      succeed: (value = 'done') => {
        seen.running--
        resolve(value)
      },
      fail: (error) => {
        seen.running--
        reject(error)
      },
    })
    return promise
  }
  return { body, calls, seen }
}

/** A context with a signal, and the means to abort it. */
export function abortable(fields: Partial<CallContext> = {}) {
  const controller = new AbortController()
  return { context: rootContext({ ...fields, signal: controller.signal }), controller }
}

/** Nothing stays behind: no timer on the clock, no listener on the signals. */
export function assertNothingLeft(clock: VirtualClock, signals: readonly AbortSignal[] = []): void {
  assert.deepEqual(clock.pending, [])
  for (const signal of signals) assert.equal(getEventListeners(signal, 'abort').length, 0, 'a listener is left on the signal')
}

/** Resolves to the error that `promise` rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  assert.fail('did not fail')
}

/** Makes sure that a rejection is seen to, and tells how the promise ended. */
export function watched<T>(promise: Promise<T>) {
  const watch: { settled: 'no' | 'value' | 'error'; times: number; value?: T; error?: unknown } = { settled: 'no', times: 0 }
  const onValue = (value: T) => {
    watch.settled = 'value'
    watch.times++
    watch.value = value
  }
  const onError = (error: unknown) => {
    watch.settled = 'error'
    watch.times++
    watch.error = error
  }
  promise.then(onValue, onError)
  return watch
}

/** What the process was warned of while `body` ran. */
export async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.message)
  process.on('warning', onWarning)
  try {
    await body()
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', onWarning)
  }
  return warnings
}
