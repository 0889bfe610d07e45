import { drive, getOf } from '../load.ts'
import { SMALL } from '../origin.ts'
import { openLoop } from './open-loop.ts'

/** What the process that makes the load is asked: how much a proxy can do, or how long clients wait at a rate. */
export type LoadQuestion =
  | { readonly saturate: { readonly port: number; readonly requests: number } }
  | { readonly open: { readonly port: number; readonly perSecond: number; readonly seconds: number; readonly seed: number } }

/** Requests per second, or the 99th percentile of what clients waited, in milliseconds. */
export type LoadAnswer = { readonly figure: number } | { readonly failure: string }

const CONCURRENCY = 64
const message = getOf(SMALL.path)

async function answer(question: LoadQuestion): Promise<number> {
  if ('saturate' in question) {
    const { port, requests } = question.saturate
    const startedMs = performance.now()
    await drive({ port, messages: [message], requests, concurrency: CONCURRENCY })
    return (requests / (performance.now() - startedMs)) * 1_000
  }
  const waited = await openLoop({ ...question.open, message })
  return waited[Math.floor(waited.length * 0.99)]!
}

const send = (told: LoadAnswer | 'ready') => process.send?.(told)

process.on('disconnect', () => process.exit())
process.on('message', (question: LoadQuestion) => {
  answer(question).then(
    (figure) => send({ figure }),
    (error: unknown) => send({ failure: String(error) }),
  )
})
send('ready')
