import type { DataStanding } from '@seaworthy/supervisor/gateway-admin'
import type { ReadinessGate } from '../readiness-gate.ts'
import type { MovingRoute } from './moving-route.ts'

/** As `GET /status` of a cut-over says it, as far as it is read here. */
interface CutOverStatus {
  readonly phase: string
  readonly epoch: number
  readonly lag: { readonly changes: number; readonly ageMs: number }
  readonly parked: readonly unknown[]
  readonly held: readonly unknown[]
  readonly strays: readonly unknown[]
  readonly failure?: string
  readonly readiness: { readonly ready: boolean; readonly reason?: string }
}

/** Where the data of routes stands. A cut-over that several routes name is asked once. */
export class DataStandings {
  readonly #token: string
  readonly #signal: AbortSignal
  readonly #asked = new Map<string, Promise<DataStanding>>()

  /** @param token what the processes that move data are shown */
  constructor(token: string, signal: AbortSignal) {
    this.#token = token
    this.#signal = signal
  }

  /** Never rejects: what is not known is said to be so. */
  of({ id, declaration, state }: MovingRoute, gate: ReadinessGate | undefined): Promise<DataStanding | null> {
    const move = declaration.data?.move
    if (move !== undefined) {
      let standing = this.#asked.get(move)
      if (standing === undefined) this.#asked.set(move, (standing = known(this.#ofCutOver(move))))
      return standing
    }
    if (gate === undefined) return Promise.resolve(null)
    const question = { route: id, fromPercent: state.sharePercent, toPercent: state.sharePercent }
    return known(gate.readiness(question, this.#signal).then((readiness) => ({ kind: 'gate', ...readiness })))
  }

  async #ofCutOver(move: string): Promise<DataStanding> {
    const url = new URL('status', move.endsWith('/') ? move : `${move}/`)
    const answer = await fetch(url, { signal: this.#signal, headers: { authorization: `Bearer ${this.#token}` } })
    if (answer.status !== 200) return { kind: 'unknown', why: `${url.origin} answered ${answer.status}` }
    const { phase, epoch, lag, parked, held, strays, failure, readiness } = (await answer.json()) as CutOverStatus
    const counts = { parked: parked.length, held: held.length, strays: strays.length }
    return { kind: 'cut-over', phase, epoch, lag, ...counts, failure, ...readiness }
  }
}

function known(standing: Promise<DataStanding>): Promise<DataStanding> {
  return standing.catch((error: unknown) => ({
    kind: 'unknown',
    why: `whoever has the data gives no answer: ${error instanceof Error ? error.message : String(error)}`,
  }))
}
