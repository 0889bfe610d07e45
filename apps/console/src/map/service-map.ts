import { type Clock, systemClock } from 'seaworthy/core'
import { CallMatcher, type CallSpan, type ObservedCall } from './call-matcher.ts'
import { EdgeWindow } from './edge-window.ts'

/** Watches spans go by, and knows who calls whom. */
export class ServiceMap {
  readonly edges: EdgeWindow
  readonly #matcher: CallMatcher

  constructor(clock: Clock = systemClock) {
    this.edges = new EdgeWindow(clock)
    this.#matcher = new CallMatcher(clock)
  }

  /** @returns the calls that these spans made known */
  observe(spans: readonly CallSpan[]): readonly ObservedCall[] {
    const calls = this.#matcher.match(spans)
    for (const call of calls) this.edges.record(call)
    return calls
  }
}
