import { drive, getOf } from '../load.ts'
import { SMALL } from '../origin.ts'
import { type OpenLoad, openLoop } from './open-loop.ts'

/** What the process that makes the load is asked: how much a proxy can do, or how long clients wait at a rate. */
export type LoadQuestion =
  | { readonly saturate: { readonly port: number; readonly requests: number } }
  | { readonly open: Omit<OpenLoad, 'message'> }

/** What a closed loop found. */
export interface Saturation {
  readonly perSecond: number
}

/** 99th percentiles of an open loop: what clients waited, and the generator's own part of it (see `Waits`). */
export interface Latency {
  readonly waitedMs: number
  readonly lateMs: number
}

export type LoadAnswer = Saturation | Latency | { readonly failure: string }

const CONCURRENCY = 64
const message = getOf(SMALL.path)

async function answer(question: LoadQuestion): Promise<LoadAnswer> {
  if ('saturate' in question) {
    const { port, requests } = question.saturate
    const startedMs = performance.now()
    await drive({ port, messages: [message], requests, concurrency: CONCURRENCY })
    return { perSecond: (requests / (performance.now() - startedMs)) * 1_000 }
  }
  const { waitedMs, lateMs } = await openLoop({ ...question.open, message })
  return { waitedMs: p99Of(waitedMs), lateMs: p99Of(lateMs) }
}

const p99Of = (sorted: Float64Array): number => sorted[Math.floor(sorted.length * 0.99)]!

const send = (told: LoadAnswer | 'ready') => process.send?.(told)

process.on('disconnect', () => process.exit())
process.on('message', (question: LoadQuestion) => {
  answer(question).then(send, (error: unknown) => send({ failure: String(error) }))
})
send('ready')
