import { type Clock, type Random, sleep, systemClock, systemRandom } from 'seaworthy/core'
import { comparableAnswer, type ComparableAnswer, type ReceivedAnswer } from './answer.ts'
import type { HeaderRules } from './answer-headers.ts'
import { compareAnswers, defaultComparisonLimits, type ComparisonLimits } from './compare-answers.ts'
import { type ComparisonReport, EndpointRecord, type Verdict } from './endpoint-record.ts'
import { EndpointNames } from './endpoint-names.ts'
import { type Difference, groupOf } from './difference.ts'
import type { Ask, SafeRequest } from './safe-request.ts'
import type { ShowingRules } from './shown-value.ts'

export interface ComparatorRules {
  readonly headers?: HeaderRules
  readonly showing?: ShowingRules
  /** Fields that are not compared, as in `body.items[].views`. */
  readonly ignoreFields?: readonly string[]
  readonly comparison?: Partial<ComparisonLimits>
  /** Requests of an endpoint that the monolith is asked again and again before anything is compared. Default 6. */
  readonly learningSeriesMin?: number
  /** Of the requests that are compared, the share that the monolith is asked again and again, so that rare noise is learned too. Default 0.02. */
  readonly replayShare?: number
  /** When the monolith is asked again, in milliseconds after its answer before. Default 0, 1,100, 1,100: a clock of seconds moves on in between. */
  readonly replayDelaysMs?: readonly number[]
  /** When both sides are asked again because their answers differ. Default after 50, 1,100 and 3,000 ms. */
  readonly confirmDelaysMs?: readonly number[]
  /** How often a difference has to show again. Default 2. */
  readonly confirmationsMin?: number
  readonly endpointsMax?: number
}

export interface ComparatorOptions extends ComparatorRules {
  readonly monolith: Ask
  readonly service: Ask
  /** Whether the monolith may be asked once more now. Default always. */
  readonly mayAskMonolith?: () => Promise<boolean>
  readonly clock?: Clock
  readonly random?: Random
}

// Confirmed so often, a difference is known: asking again each time would double the load for nothing.
const KNOWN_AFTER = 5
const LEARNING_AT_ONCE = 2
// Each asks the monolith more than once. If all that differ began, each would get its first question and none its last, and nothing would ever be confirmed.
const CONFIRMING_AT_ONCE = 4
const CONFIRMING_AT_ONCE_OF_ENDPOINT = 2
// What has begun waits for its turn to ask, rather than having asked for nothing.
const TURN_WAIT_MS = 5_000
const TURN_LOOK_MS = 100

/**
 * Judges the service by the monolith, request by request: asks, compares, learns, and asks both again before it says that they differ.
 * It keeps what it learned and found in memory, within bounds.
 */
export class Comparator {
  readonly #options: ComparatorOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #limits: ComparisonLimits
  readonly #names = new EndpointNames()
  readonly #endpoints = new Map<string, EndpointRecord>()
  readonly #ignored: ReadonlySet<string>
  #confirming = 0

  constructor(options: ComparatorOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#limits = { ...defaultComparisonLimits, ...options.comparison }
    this.#ignored = new Set(options.ignoreFields)
  }

  /**
   * Judges one request. `first` is the answer that the monolith gave its client; without it the monolith is asked.
   * @throws what the monolith's `Ask` throws, and the signal's reason; that the service has no answer is a verdict
   */
  async judge(request: SafeRequest, first: ReceivedAnswer | undefined, signal: AbortSignal): Promise<Verdict> {
    const answer = first === undefined ? await this.#askMonolith(request, signal) : this.#comparable(first)
    const endpoint = this.#endpointFor(request, answer.status)
    if (endpoint === undefined) return 'omitted'
    const verdict = await this.#judge(endpoint, request, answer, signal)
    endpoint.count(verdict)
    return verdict
  }

  report(): ComparisonReport {
    return { atMs: this.#clock.now(), endpoints: [...this.#endpoints.values()].map((endpoint) => endpoint.report(this.#isReady(endpoint))) }
  }

  async #judge(endpoint: EndpointRecord, request: SafeRequest, answer: ComparableAnswer, signal: AbortSignal): Promise<Verdict> {
    endpoint.profile.observe(answer, request.target)
    if (!this.#isReady(endpoint)) {
      if (endpoint.learning >= LEARNING_AT_ONCE || !(await this.#mayAskMonolith())) return 'learning'
      await this.#replay(endpoint, request, answer, signal)
      return 'learning'
    }
    const response = await this.#askService(endpoint, request, signal)
    if (response === undefined) return 'unanswered'
    if (answer.isBodyLeftOut || response.isBodyLeftOut) endpoint.bodiesLeftOut++
    const differences = this.#compare(endpoint, request, answer, response)
    const verdict = differences.length === 0 ? 'equal' : await this.#differing(endpoint, request, answer, differences, signal)
    if (verdict === 'equal' && this.#random.float() < (this.#options.replayShare ?? 0.02) && (await this.#mayAskMonolith()))
      await this.#replay(endpoint, request, answer, signal)
    return verdict
  }

  /** Asks the monolith the same again and again. */
  async #replay(endpoint: EndpointRecord, request: SafeRequest, first: ComparableAnswer, signal: AbortSignal): Promise<void> {
    endpoint.learning++
    try {
      const answers = [first]
      for (const delayMs of this.#options.replayDelaysMs ?? [0, 1_100, 1_100]) {
        if (delayMs > 0) await sleep(this.#clock, delayMs, signal)
        answers.push(await this.#observedAnswer(endpoint, request, signal))
      }
      endpoint.learn(answers)
    } finally {
      endpoint.learning--
    }
  }

  async #differing(
    endpoint: EndpointRecord,
    request: SafeRequest,
    first: ComparableAnswer,
    found: readonly Difference[],
    signal: AbortSignal,
  ): Promise<Verdict> {
    if (found.every((difference) => endpoint.isKnown(difference, KNOWN_AFTER))) {
      endpoint.noteDifferences(found, requestLine(request), this.#clock.now())
      return 'differs'
    }
    if (this.#confirming >= CONFIRMING_AT_ONCE || endpoint.confirming >= CONFIRMING_AT_ONCE_OF_ENDPOINT) return 'unconfirmed'
    this.#confirming++
    endpoint.confirming++
    try {
      return await this.#confirm(endpoint, request, first, found, signal)
    } finally {
      this.#confirming--
      endpoint.confirming--
    }
  }

  /**
   * A difference counts when it shows again, with the monolith asked before and after the service and found the same both times. What
   * was written in between, or arrived late in the service, is gone by then.
   */
  async #confirm(
    endpoint: EndpointRecord,
    request: SafeRequest,
    first: ComparableAnswer,
    found: readonly Difference[],
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { confirmDelaysMs = [50, 1_100, 3_000], confirmationsMin = 2 } = this.#options
    const answers = [first]
    /** How often each has shown again. */
    const standing = new Map(found.map((difference) => [groupOf(difference), { difference, confirmations: 0 }]))
    const isConfirmed = (group: string) => (standing.get(group)?.confirmations ?? 0) >= confirmationsMin
    let last: readonly Difference[] = found
    for (const [index, delayMs] of confirmDelaysMs.entries()) {
      if (!(await (index === 0 ? this.#mayAskMonolith() : this.#turnToAsk(signal)))) return 'unconfirmed'
      await sleep(this.#clock, delayMs, signal)
      const before = await this.#observedAnswer(endpoint, request, signal)
      const response = await this.#askService(endpoint, request, signal)
      if (response === undefined) return 'unanswered'
      const after = await this.#observedAnswer(endpoint, request, signal)
      answers.push(before, after)
      // Nothing can be said of a field while the monolith's own answers move there.
      const moved = compareAnswers(before, after, endpoint.profile, this.#limits).differences
      last = this.#compare(endpoint, request, after, response)
      const again = new Set(last.map(groupOf))
      for (const [group, stand] of standing) {
        if (isMoving(stand.difference, moved)) continue
        if (again.has(group)) stand.confirmations++
        else standing.delete(group)
      }
      if ([...standing.keys()].every(isConfirmed)) break
    }
    endpoint.learn(answers)
    // In the light of what these answers have shown.
    const { atMs } = answers.at(-1)!
    const confirmed = last.filter((difference) => isConfirmed(groupOf(difference)) && !endpoint.explains(difference, atMs))
    if (confirmed.length === 0) {
      if ([...standing.keys()].some((group) => !isConfirmed(group))) return 'unsettled'
      const unexplained = found.filter((difference) => !endpoint.explains(difference, atMs))
      if (unexplained.length === 0) return 'equal'
      endpoint.noteTransient(unexplained, requestLine(request), this.#clock.now())
      return 'transient'
    }
    endpoint.noteDifferences(confirmed, requestLine(request), this.#clock.now())
    return 'differs'
  }

  #compare(endpoint: EndpointRecord, { target }: SafeRequest, expected: ComparableAnswer, actual: ComparableAnswer): readonly Difference[] {
    const comparison = compareAnswers(expected, actual, endpoint.profile, this.#limits)
    const differences = [...comparison.differences, ...endpoint.repeated(comparison.tolerated, target)]
    if (comparison.isCutShort) endpoint.cutShort++
    return this.#ignored.size === 0 ? differences : differences.filter(({ field }) => !this.#isIgnored(field))
  }

  #isIgnored(field: string): boolean {
    return (
      this.#ignored.has(field) ||
      [...this.#ignored].some((ignored) => field.startsWith(ignored) && /^[.[{]/.test(field.slice(ignored.length)))
    )
  }

  async #observedAnswer(endpoint: EndpointRecord, request: SafeRequest, signal: AbortSignal): Promise<ComparableAnswer> {
    const answer = await this.#askMonolith(request, signal)
    endpoint.profile.observe(answer, request.target)
    return answer
  }

  async #askMonolith(request: SafeRequest, signal: AbortSignal): Promise<ComparableAnswer> {
    return this.#comparable(await this.#options.monolith(request, signal))
  }

  /** @returns undefined where there is none: that is noted */
  async #askService(endpoint: EndpointRecord, request: SafeRequest, signal: AbortSignal): Promise<ComparableAnswer | undefined> {
    try {
      return this.#comparable(await this.#options.service(request, signal))
    } catch (error) {
      signal.throwIfAborted()
      endpoint.noteUnanswered(error)
      return undefined
    }
  }

  #comparable(received: ReceivedAnswer): ComparableAnswer {
    return comparableAnswer(received, this.#options.headers)
  }

  #isReady({ profile }: EndpointRecord): boolean {
    return profile.series >= (this.#options.learningSeriesMin ?? 6)
  }

  async #mayAskMonolith(): Promise<boolean> {
    return (await this.#options.mayAskMonolith?.()) ?? true
  }

  async #turnToAsk(signal: AbortSignal): Promise<boolean> {
    for (let waitedMs = 0; !(await this.#mayAskMonolith()); waitedMs += TURN_LOOK_MS) {
      if (waitedMs >= TURN_WAIT_MS) return false
      await sleep(this.#clock, TURN_LOOK_MS, signal)
    }
    return true
  }

  /** Answers of another status have other fields. */
  #endpointFor({ method, target }: SafeRequest, status: number): EndpointRecord | undefined {
    const name = this.#names.nameOf(method, target) + (status < 300 ? '' : ` (${status})`)
    let endpoint = this.#endpoints.get(name)
    if (endpoint === undefined && this.#endpoints.size < (this.#options.endpointsMax ?? 300)) {
      endpoint = new EndpointRecord(name, this.#options.showing ?? {})
      this.#endpoints.set(name, endpoint)
    }
    return endpoint
  }
}

/** Whether the monolith's own answers differ there. A value of another type is none that a write would have made. */
const isMoving = ({ kind, field }: Difference, moved: readonly Difference[]): boolean =>
  moved.some((other) => other.field === field && (kind !== 'type' || other.kind === 'type'))

const SECRET_PARAMETER = /([?&][^=&]*(?:token|secret|key|password|signature|sig|code|session)[^=&]*=)[^&]*/gi
const TARGET_CHARACTERS_MAX = 200

/** For people, without what may be a secret. */
const requestLine = ({ method, target }: SafeRequest): string =>
  `${method} ${target.replaceAll(SECRET_PARAMETER, '$1…').slice(0, TARGET_CHARACTERS_MAX)}`
