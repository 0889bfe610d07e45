import { ConfigurationError, systemClock } from 'seaworthy/core'

/** One address of a service. */
export interface Instance {
  readonly base: URL
  /** On the monotonic clock: until then it is passed over, while there are others. */
  awayUntilMs: number
}

/** As long as a process needs to come back, about. */
const PASSED_OVER_MS = 1_000

/** The instances of a service, which get the requests in turns. */
export class Instances {
  readonly #instances: readonly Instance[]
  #turn = 0

  /** @throws ConfigurationError for a URL that is no base of a REST service, or none at all */
  constructor(baseUrls: readonly string[]) {
    this.#instances = baseUrls.map((text) => {
      const base = new URL(text)
      if (base.protocol !== 'http:' && base.protocol !== 'https:')
        throw new ConfigurationError(`${text} is no base URL of a REST service: it begins with http:// or https://.`)
      return { base, awayUntilMs: -Infinity }
    })
    if (this.#instances.length === 0) throw new ConfigurationError('A REST client needs a base URL: http://HOST:PORT.')
    if (new Set(this.#instances.map(({ base }) => base.protocol)).size > 1)
      throw new ConfigurationError(`Instances of one service speak one protocol, http or https: ${baseUrls.join(', ')}.`)
  }

  get isSecure(): boolean {
    return this.#instances[0]!.base.protocol === 'https:'
  }

  /** Whose turn it is, of those that were not away a moment ago; of all, when all were. */
  next(): Instance {
    const turn = this.#turn++
    const nowMs = systemClock.monotonicMs()
    const there = this.#instances.filter(({ awayUntilMs }) => awayUntilMs <= nowMs)
    const candidates = there.length > 0 ? there : this.#instances
    return candidates[turn % candidates.length]!
  }

  /** It could not be reached, or takes no work: the next attempt had better ask another. */
  passOver(instance: Instance): void {
    instance.awayUntilMs = systemClock.monotonicMs() + PASSED_OVER_MS
  }
}
