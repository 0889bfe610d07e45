import { systemClock } from 'seaworthy/core'
import type { Judgement } from './reviews-as-read.ts'

/** What users ask for. */
export type Asked = 'list reviews' | 'write a review' | 'search products' | 'see a product' | 'register' | 'see an account'

/** Every request of every user, and what became of it. */
export interface Booking {
  /** When it was sent, in milliseconds since 1970. */
  readonly atMs: number
  readonly user: string
  readonly asked: Asked
  readonly tookMs: number
  /** `failed`: no answer, or another than was asked for. */
  readonly outcome: Judgement['outcome'] | 'failed'
  readonly why?: string
}

/** What is about reviews: the part of the shop that moves first. */
export function isAboutReviews({ asked }: Pick<Booking, 'asked'>): boolean {
  return asked === 'list reviews' || asked === 'write a review'
}

export interface Request {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

// Longer than any pause that the lab makes: a user who gives up has failed.
const PATIENCE_MS = 60_000

/** A user's way to the shop, on which everything is booked. */
export class BookedShop {
  readonly #url: string
  readonly #onBooking: (booking: Booking) => void

  constructor(url: string, onBooking: (booking: Booking) => void) {
    this.#url = url
    this.#onBooking = onBooking
  }

  /**
   * @param judge what to make of an answer
   * @returns the answer, or undefined where the request failed
   */
  async ask<Answer>(
    user: string,
    asked: Asked,
    { method = 'GET', path, headers = {}, body }: Request,
    judge: (answer: Answer) => Judgement = () => ({ outcome: 'served' }),
  ): Promise<Answer | undefined> {
    const [atMs, startedMs] = [systemClock.now(), systemClock.monotonicMs()]
    const book = (judgement: Pick<Booking, 'outcome' | 'why'>) =>
      this.#onBooking({ atMs, user, asked, tookMs: systemClock.monotonicMs() - startedMs, ...judgement })
    try {
      const response = await fetch(new URL(path, this.#url), {
        method,
        headers: { 'x-user': user, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      const text = await response.text()
      if (!response.ok) {
        book({ outcome: 'failed', why: `${response.status} ${text}` })
        return undefined
      }
      const answer = JSON.parse(text) as Answer
      book(judge(answer))
      return answer
    } catch (error) {
      book({ outcome: 'failed', why: causesOf(error).join(': ') })
      return undefined
    }
  }
}

/** fetch says why in the cause. */
function causesOf(error: unknown): readonly string[] {
  return error instanceof Error ? [error.message, ...causesOf(error.cause)] : []
}
