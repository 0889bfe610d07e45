import { sleep, systemClock } from 'seaworthy/core'
import type { Arrival } from './arrivals.ts'
import type { Asking, Request } from './ask.ts'

/** A checkout that somebody wants, and what is known of it. Its key is the same however often it is sent. */
export interface Purchase {
  readonly key: string
  readonly customerId: string
  readonly line: { readonly productId: string; readonly quantity: number }
  /** Undefined until it was answered with a decision. */
  order?: { readonly orderId: string; readonly status: string; readonly totalCents: number }
}

/** What became of an arrival. */
export interface Answer extends Arrival {
  readonly phase: string
  /** `failed`: no answer, or another than was asked for. */
  readonly outcome: 'served' | 'failed'
  /** From when the customer came, and not from when the request was sent. */
  readonly tookMs: number
  readonly why?: string
}

/** Those who use a side, at their times, whether or not those before them have been served. */
export class Customers {
  readonly purchases: Purchase[] = []
  readonly #shop: Asking
  readonly #run: string

  /** @param run tells the keys of one run from those of others */
  constructor(shop: Asking, run: string) {
    this.#shop = shop
    this.#run = run
  }

  /**
   * @param beganMs when the phase began, on the monotonic clock. Default: now
   * @returns when the last was answered, or given up
   */
  async come(phase: string, all: readonly Arrival[], beganMs = systemClock.monotonicMs()): Promise<readonly Answer[]> {
    const now = () => systemClock.monotonicMs() - beganMs
    const pending: Promise<Answer>[] = []
    for (const arrival of all) {
      const waitMs = arrival.atMs - now()
      if (waitMs > 0) await sleep(systemClock, waitMs)
      pending.push(this.#serve(phase, arrival, now))
    }
    return Promise.all(pending)
  }

  /** Somebody wants so many pieces of a product. Not sent yet. */
  wish(customerId: string, line: Purchase['line']): Purchase {
    const purchase: Purchase = { key: `${this.#run}-${this.purchases.length}`, customerId, line }
    this.purchases.push(purchase)
    return purchase
  }

  /** Sends a checkout, or sends it again. @returns why it failed, or undefined */
  async buy(purchase: Purchase): Promise<string | undefined> {
    const { key, customerId, line } = purchase
    const body = { customerId, lines: [line], card: 'ok' }
    const why = await this.#outcome({ method: 'POST', path: '/api/checkout', headers: { 'idempotency-key': key }, body }, (text) => {
      const order = JSON.parse(text) as NonNullable<Purchase['order']>
      if (order.status !== 'pending') purchase.order = order
      return order.status === 'rejected' ? text : undefined
    })
    return why
  }

  async #serve(phase: string, arrival: Arrival, now: () => number): Promise<Answer> {
    const why = await this.#ask(arrival)
    return {
      ...arrival,
      phase,
      tookMs: now() - arrival.atMs,
      outcome: why === undefined ? 'served' : 'failed',
      ...(why !== undefined && { why }),
    }
  }

  #ask({ kind, productId, customerId, search }: Arrival): Promise<string | undefined> {
    switch (kind) {
      case 'browse':
        return this.#outcome({ path: search === undefined ? `/api/products/${productId}` : `/api/products?q=${search}` })
      case 'reviews':
        return this.#outcome({ path: `/api/reviews?productId=${productId}` })
      case 'history':
        return this.#outcome({ path: `/api/customers/${customerId}/orders` })
      case 'checkout':
        return this.buy(this.wish(customerId, { productId, quantity: 1 }))
    }
  }

  async #outcome(request: Request, judge: (text: string) => string | undefined = () => undefined): Promise<string | undefined> {
    try {
      const { status, text } = await this.#shop.ask(request)
      return status < 300 ? judge(text) : `${status} ${text}`
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}
