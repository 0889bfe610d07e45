import type { TestContext } from 'node:test'
import { type Operation, watchOperations } from 'seaworthy/core'

/** Records the operations of one kind while a test runs. */
export function recordOperations(t: TestContext, name: string): Operation[] {
  const operations: Operation[] = []
  const listener = {
    start: (operation: unknown) => void operations.push(operation as Operation),
    end: () => {},
    asyncStart: () => {},
    asyncEnd: () => {},
    error: () => {},
  }
  const stop = watchOperations((kind, channel) => {
    if (kind !== name) return
    channel.subscribe(listener)
    t.after(() => channel.unsubscribe(listener))
  })
  t.after(stop)
  return operations
}
