import type { Random } from 'seaworthy/core'
import { type Draft, ENDPOINTS, type EndpointName } from './shop-endpoints.ts'
import type { ShopData } from './shop-data.ts'
import type { SkippingClock } from './skipping-clock.ts'
import type { Ask, ReceivedAnswer } from '@seaworthy/strangler/compare'

/** What a side knows that its rows do not tell: the time, chance, and what it did before. */
export interface Surroundings {
  readonly nowMs: number
  readonly random: Random
  /** How many requests it answered before this one. */
  readonly served: number
  readonly target: string
  /** When this side was started. */
  readonly startedMs: number
  /** What it keeps from one answer to the next. */
  readonly memory: Map<string, unknown>
}

/** Changes an answer: what differs by nature, or a defect. */
export type Change = (draft: Draft, surroundings: Surroundings) => void

/** A row that changes while both sides are asked: in the service it arrives later. */
export interface Write {
  readonly atMs: number
  readonly product: number
  readonly priceCents: number
  readonly stock: number
}

export interface SideOptions {
  readonly endpoint: EndpointName
  readonly data: ShopData
  readonly clock: SkippingClock
  readonly random: Random
  readonly startedMs: number
  readonly changes: readonly Change[]
  /** In the order of their times; more come while the side answers. */
  readonly writes: readonly Write[]
  readonly lagMs: number
}

const integers = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value)) : value

/** The monolith or the service: it answers from its rows, by its clock, with a chance of its own. */
export function sideOf({ endpoint, data, clock, random, startedMs, changes, writes, lagMs }: SideOptions): Ask {
  let served = 0
  let written = 0
  const memory = new Map<string, unknown>()
  return async ({ target }): Promise<ReceivedAnswer> => {
    clock.pass(1 + random.float() * 15)
    for (; written < writes.length && writes[written]!.atMs + lagMs <= clock.now(); written++) {
      const { product, priceCents, stock } = writes[written]!
      Object.assign(data.products[product]!, { priceCents, stock })
    }
    const draft: Draft = structuredClone<Draft>(ENDPOINTS[endpoint].answer(data, target))
    const surroundings: Surroundings = { nowMs: clock.now(), random, served: served++, target, startedMs, memory }
    for (const change of changes) change(draft, surroundings)
    clock.pass(1 + random.float() * 10)
    const text = typeof draft.body === 'string' ? draft.body : JSON.stringify(draft.body, integers)
    return { status: draft.status, headers: [...draft.headers], body: Buffer.from(text ?? '', 'utf8'), atMs: clock.now() }
  }
}
