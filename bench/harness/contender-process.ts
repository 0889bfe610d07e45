import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { ContenderReference, Effort } from './suite.ts'

/** What the child is told, and what it answers. */
type Request = 'measure'
export type Answer = { readonly figure: number } | { readonly failure: string } | { readonly ready: true }

// One that hangs must not keep a suite from its other metrics.
const ANSWER_MS_MAX = 600_000

/** A contender in a process of its own: its heap, its compiled code and its timers are not the other's. */
export interface ContenderProcess extends AsyncDisposable {
  /** Measures one round. @throws when the contender failed */
  measure(): Promise<number>
}

export async function startContender(reference: ContenderReference, effort: Effort): Promise<ContenderProcess> {
  const child = fork(new URL('contender-main.ts', import.meta.url), [reference.module, reference.name, effort.quick ? 'quick' : 'full'], {
    // A young generation that holds a whole measurement of allocations.
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      '--conditions=source',
      '--expose-gc',
      '--max-semi-space-size=128',
      '--min-semi-space-size=128',
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const what = `${reference.name} in ${reference.module}`
  const answer = async (): Promise<Answer> => {
    const ended = new AbortController()
    try {
      return await Promise.race([
        once(child, 'message', { signal: ended.signal }).then(([message]) => message as Answer),
        once(child, 'exit', { signal: ended.signal }).then(([code]) => ({ failure: `its process ended with ${code}` })),
        delay(ANSWER_MS_MAX, { failure: `it did not answer within ${ANSWER_MS_MAX / 1_000} s` }, { signal: ended.signal, ref: false }),
      ])
    } finally {
      ended.abort()
    }
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.disconnect()
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const first = await answer()
  if ('failure' in first) {
    await stop()
    throw new Error(`Contender ${what} cannot be prepared: ${first.failure}`)
  }
  return {
    async measure() {
      child.send('measure' satisfies Request)
      const reply = await answer()
      if ('figure' in reply) return reply.figure
      throw new Error(`Contender ${what} failed: ${'failure' in reply ? reply.failure : 'it answered out of turn'}`)
    },
    [Symbol.asyncDispose]: stop,
  }
}
