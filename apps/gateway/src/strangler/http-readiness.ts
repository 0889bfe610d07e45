import { type Clock, systemClock } from 'seaworthy/core'
import type { Readiness, ReadinessGate, ShiftQuestion } from '../readiness-gate.ts'

const ANSWER_BYTES_MAX = 65_536

/** Asks a process over HTTP: GET of its address, with the question in the query, answered with 200 and a {@link Readiness}. */
export class HttpReadinessGate implements ReadinessGate {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async readiness({ route, tenant, fromPercent, toPercent }: ShiftQuestion, signal: AbortSignal): Promise<Readiness> {
    const url = new URL(this.#url)
    url.searchParams.set('route', route)
    if (tenant !== undefined) url.searchParams.set('tenant', tenant)
    url.searchParams.set('fromPercent', String(fromPercent))
    url.searchParams.set('toPercent', String(toPercent))
    try {
      const answer = await fetch(url, { signal, headers: { accept: 'application/json' } })
      const text = await answer.text()
      if (answer.status !== 200) return notReady(`${url.origin} answered ${answer.status}`)
      if (text.length > ANSWER_BYTES_MAX) return notReady(`${url.origin} answered with more than ${ANSWER_BYTES_MAX} characters`)
      const said: unknown = JSON.parse(text)
      if (isReadiness(said)) return said
      return notReady(`${url.origin} did not say whether it is ready`)
    } catch (error) {
      return notReady(`${url.origin} gave no answer: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

const notReady = (why: string): Readiness => ({ ready: false, reason: `whether the data is ready is not known: ${why}` })

function isReadiness(value: unknown): value is Readiness {
  if (typeof value !== 'object' || value === null || !('ready' in value)) return false
  return value.ready === true || (value.ready === false && 'reason' in value && typeof value.reason === 'string')
}

/** A limit for the wait on an answer: the signal, and how to let go of its timer. */
export function limited(timeoutMs: number, clock: Clock = systemClock): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController()
  const timer = clock.timer(timeoutMs, () => controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError')), {
    keepAlive: false,
  })
  return { signal: controller.signal, done: () => timer.cancel() }
}
