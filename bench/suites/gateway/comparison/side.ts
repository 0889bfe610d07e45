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

export interface SideOptions {
  readonly endpoint: EndpointName
  readonly data: ShopData
  readonly clock: SkippingClock
  readonly random: Random
  readonly startedMs: number
  readonly changes: readonly Change[]
}

const integers = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value)) : value

/** The monolith or the service: it answers from its rows, by its clock, with a chance of its own. */
export function sideOf({ endpoint, data, clock, random, startedMs, changes }: SideOptions): Ask {
  let served = 0
  const memory = new Map<string, unknown>()
  return async ({ target }): Promise<ReceivedAnswer> => {
    clock.pass(1 + random.float() * 15)
    const draft: Draft = structuredClone<Draft>(ENDPOINTS[endpoint].answer(data, target))
    const surroundings: Surroundings = { nowMs: clock.now(), random, served: served++, target, startedMs, memory }
    for (const change of changes) change(draft, surroundings)
    clock.pass(1 + random.float() * 10)
    const text = typeof draft.body === 'string' ? draft.body : JSON.stringify(draft.body, integers)
    return { status: draft.status, headers: [...draft.headers], body: Buffer.from(text ?? '', 'utf8'), atMs: clock.now() }
  }
}
