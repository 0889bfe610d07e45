import { type Clock, systemClock } from 'seaworthy/core'
import { KIND } from '../otlp/model.ts'
import type { Peer } from '../otlp/peer.ts'

/** A place on the map: what it is, and its name. `outside:` is whoever calls the system. */
export type Place = `${'service' | 'database' | 'topic' | 'external'}:${string}` | 'outside:'

/** One call, message or query, seen from both ends where both told of it. */
export interface ObservedCall {
  readonly caller: Place
  readonly callee: Place
  readonly traceId: string
  /** The caller's where it told of it. */
  readonly spanId: string
  readonly endMs: number
  readonly durationMs: number
  readonly isError: boolean
}

/** What of a span says who called whom. */
export interface CallSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly service: string
  readonly kind: number
  readonly startUs: number
  readonly endUs: number
  /** Not by an answer that is the caller's own affair, such as that nothing was found: an edge is no worse for it. */
  readonly isFailedCall: boolean
  readonly peer: Peer | null
}

interface Half {
  readonly span: CallSpan
  readonly sinceMs: number
  isMatched: boolean
}

/** How long one half of a call waits for the other: exporters send every five seconds. */
const WAIT_MS = 15_000
const HALVES_MAX = 50_000
const ADDRESSES_MAX = 1_000

/**
 * Puts calls together whose two spans come from two processes, in any order. In memory of bounded size: a half that waits for too long is
 * a call to, or from, somebody who sends no spans. An address is known by the service that answered there, so that a call that never arrived has its callee.
 */
export class CallMatcher {
  readonly #clock: Clock
  /** By trace and span; a map keeps the order of insertion, so that the first has waited for the longest. */
  readonly #halves = new Map<string, Half>()
  readonly #waiting = new Map<string, Half[]>()
  readonly #addresses = new Map<string, string>()

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** @returns the calls that are known by these spans, and those that nobody else will tell of any more */
  match(spans: readonly CallSpan[]): ObservedCall[] {
    const calls: ObservedCall[] = []
    const nowMs = this.#clock.monotonicMs()
    for (const span of spans) {
      const key = `${span.traceId}${span.spanId}`
      // Senders repeat what was not confirmed.
      if (this.#halves.has(key)) continue
      const half = { span: callSpan(span), sinceMs: nowMs, isMatched: false }
      this.#halves.set(key, half)
      this.#begin(half, calls)
      for (const child of this.#waiting.get(key) ?? []) this.#pair(half, child, calls)
      this.#waiting.delete(key)
    }
    this.#giveUp(nowMs, calls)
    return calls
  }

  #begin(half: Half, calls: ObservedCall[]): void {
    const { span } = half
    const [kind, name] = peerParts(span.peer)
    const own: Place = `service:${span.service}`
    if (kind === 'database') calls.push(call(own, `database:${name}`, span))
    else if (kind === 'topic') calls.push(span.kind === KIND.producer ? call(own, `topic:${name}`, span) : call(`topic:${name}`, own, span))
    else if (span.kind === KIND.server) {
      if (span.parentSpanId === null) calls.push(call('outside:', own, span))
      else {
        const key = `${span.traceId}${span.parentSpanId}`
        const parent = this.#halves.get(key)
        if (parent !== undefined) this.#pair(parent, half, calls)
        else this.#wait(key, half)
      }
    }
  }

  /** Added to and not copied: of one caller that was lost there may be as many as wait at all. */
  #wait(parent: string, child: Half): void {
    const siblings = this.#waiting.get(parent)
    if (siblings === undefined) this.#waiting.set(parent, [child])
    else siblings.push(child)
  }

  #pair(parent: Half, child: Half, calls: ObservedCall[]): void {
    parent.isMatched = true
    child.isMatched = true
    const [kind, address] = peerParts(parent.span.peer)
    if (kind === 'address') this.#learn(address, child.span.service)
    if (parent.span.service === child.span.service) return
    // The caller's view has the way there and back in it, and knows of an answer that never came.
    const seen = parent.span.kind === KIND.client ? parent.span : child.span
    const isError = parent.span.isFailedCall || child.span.isFailedCall
    calls.push({ ...call(`service:${parent.span.service}`, `service:${child.span.service}`, seen), isError })
  }

  #giveUp(nowMs: number, calls: ObservedCall[]): void {
    for (const [key, half] of this.#halves) {
      if (nowMs - half.sinceMs < WAIT_MS && this.#halves.size <= HALVES_MAX) return
      this.#halves.delete(key)
      const { span, isMatched } = half
      if (span.kind === KIND.server && span.parentSpanId !== null) this.#waiting.delete(`${span.traceId}${span.parentSpanId}`)
      if (isMatched) continue
      const [kind, address] = peerParts(span.peer)
      const own: Place = `service:${span.service}`
      if (kind === 'address') {
        const service = this.#addresses.get(address)
        if (service !== span.service) calls.push(call(own, service === undefined ? `external:${address}` : `service:${service}`, span))
      } else if (span.kind === KIND.server && span.parentSpanId !== null) calls.push(call('outside:', own, span))
    }
  }

  #learn(address: string, service: string): void {
    this.#addresses.delete(address)
    this.#addresses.set(address, service)
    if (this.#addresses.size > ADDRESSES_MAX) this.#addresses.delete(this.#addresses.keys().next().value!)
  }
}

/** Without all else that a span brings with it: a half may wait for seconds, and the text of the whole span with it. */
function callSpan({ traceId, spanId, parentSpanId, service, kind, startUs, endUs, isFailedCall, peer }: CallSpan): CallSpan {
  return { traceId, spanId, parentSpanId, service, kind, startUs, endUs, isFailedCall, peer }
}

function peerParts(peer: Peer | null): readonly [kind: string, name: string] {
  if (peer === null) return ['', '']
  const colon = peer.indexOf(':')
  return [peer.slice(0, colon), peer.slice(colon + 1)]
}

function call(caller: Place, callee: Place, { traceId, spanId, startUs, endUs, isFailedCall }: CallSpan): ObservedCall {
  return { caller, callee, traceId, spanId, endMs: endUs / 1_000, durationMs: (endUs - startUs) / 1_000, isError: isFailedCall }
}
