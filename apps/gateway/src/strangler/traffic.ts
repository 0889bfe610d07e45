import type { TrafficHistory } from '@seaworthy/supervisor/gateway-admin'

/** Slots that are kept: when there would be more, each two become one of twice the length. */
const SLOTS_MAX = 240
const SLOT_MS_MIN = 10_000
/** Names of upstreams change with the configuration; those beyond are counted together. */
const UPSTREAMS_MAX = 64
const OTHERS = 'others'

/** How many requests went to which upstream since the ledger began, in memory that does not grow: the longer ago it began, the coarser the slots. */
export class Traffic {
  #slotMs = SLOT_MS_MIN
  /** By the number of the slot since the epoch. */
  #slots = new Map<number, Map<string, number>>()
  readonly #upstreams = new Set<string>()

  /** As {@link history} said it. @throws TypeError for anything else */
  static from(stored: unknown): Traffic {
    const traffic = new Traffic()
    const { slotMs, slots } = stored as TrafficHistory
    if (!(slotMs >= SLOT_MS_MIN)) throw new TypeError('a slot has no length')
    traffic.#slotMs = slotMs
    for (const { fromMs, requests } of slots)
      for (const [upstream, count] of Object.entries(requests)) traffic.record(upstream, fromMs, count)
    return traffic
  }

  record(upstream: string, nowMs: number, count = 1): void {
    const name = this.#upstreams.has(upstream) || this.#upstreams.size < UPSTREAMS_MAX ? upstream : OTHERS
    this.#upstreams.add(name)
    const number = Math.floor(nowMs / this.#slotMs)
    let slot = this.#slots.get(number)
    if (slot === undefined) {
      this.#slots.set(number, (slot = new Map()))
      while (this.#span() > SLOTS_MAX) this.#coarsen()
      slot = this.#slots.get(Math.floor(nowMs / this.#slotMs))!
    }
    slot.set(name, (slot.get(name) ?? 0) + count)
  }

  history(): TrafficHistory {
    const slotMs = this.#slotMs
    const slots = [...this.#slots].toSorted(([one], [other]) => one - other)
    return { slotMs, slots: slots.map(([number, requests]) => ({ fromMs: number * slotMs, requests: Object.fromEntries(requests) })) }
  }

  #span(): number {
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const number of this.#slots.keys()) {
      first = Math.min(first, number)
      last = Math.max(last, number)
    }
    return last - first + 1
  }

  #coarsen(): void {
    this.#slotMs *= 2
    const slots = new Map<number, Map<string, number>>()
    for (const [number, requests] of this.#slots) {
      const half = Math.floor(number / 2)
      const slot = slots.get(half) ?? new Map<string, number>()
      for (const [upstream, count] of requests) slot.set(upstream, (slot.get(upstream) ?? 0) + count)
      slots.set(half, slot)
    }
    this.#slots = slots
  }
}
