import type { Library } from './subject.ts'

/** Whether a library does what it should, in words for the table. */
export interface Finding {
  readonly holds: boolean
  readonly seen: string
}

/** One question to every library. Undefined: it does not offer what the question is about. */
export interface Probe {
  readonly name: string
  /** What should be true. */
  readonly expected: string
  ask(library: Library): Promise<Finding | undefined>
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A call that stays open until it is told how to end. */
export function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let signal: AbortSignal | undefined
  return {
    body: (given: AbortSignal | undefined) => {
      signal = given
      return promise
    },
    succeed: () => resolve('done'),
    fail: (error: unknown) => reject(error),
    signal: () => signal,
  }
}

/** How a promise stands after `ms`: settled, or not yet. */
export async function after(ms: number, promise: Promise<unknown>): Promise<'value' | 'error' | 'pending'> {
  return Promise.race([
    promise.then(
      () => 'value' as const,
      () => 'error' as const,
    ),
    pause(ms).then(() => 'pending' as const),
  ])
}

/** Lets a promise fail without anybody minding. */
export function ignored(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}
