import { join } from 'node:path'
import type { CutOverStatus, Verification } from '@seaworthy/strangler/cut-over'
import { sleep, systemClock, TimeoutError, UnavailableError } from 'seaworthy/core'
import { type Comparisons, Gateway } from './gateway.ts'
import type { LabProcess } from './lab-process.ts'
import type { CutOverAddress } from './read-own-writes.ts'
import { movingRoutes, routesAt } from './routes.ts'
import { portsFor, PROGRAMS, type Shop, url } from './shop.ts'

export interface ExtractionOptions {
  readonly shop: Shop
  readonly outDir: string
  readonly token: string
}

type Ports = Awaited<ReturnType<typeof portsOf>>
const portsOf = () => portsFor('monolith', 'monolithSide', 'careless', 'mended', 'reviewsSide', 'cutOver')

const WITHIN_MS = 90_000
const LOOK_EVERY_MS = 100

/** Reviews on their way out of the monolith: the processes, and what people do with them. */
export class Extraction implements AsyncDisposable {
  readonly gateway: Gateway
  readonly monolith: LabProcess
  readonly ports: Ports
  reviews: LabProcess | undefined
  readonly #options: ExtractionOptions
  #cutOver: LabProcess | undefined

  private constructor(options: ExtractionOptions, ports: Ports, monolith: LabProcess, gateway: Gateway) {
    this.#options = options
    this.ports = ports
    this.monolith = monolith
    this.gateway = gateway
  }

  /** The monolith, with everything in it, behind the gateway, which changes nothing yet. */
  static async start(options: ExtractionOptions): Promise<Extraction> {
    const { shop, outDir, token } = options
    const ports = await portsOf()
    const monolith = await shop.startService({
      name: 'monolith',
      file: PROGRAMS.movingMonolith,
      args: [String(ports.monolithSide)],
      port: ports.monolith,
      isSeeded: true,
    })
    try {
      const settings = { upstreams: { monolith: url(ports.monolith) }, routes: routesAt(0) }
      const gateway = await Gateway.start({ folder: join(outDir, 'gateway'), outDir, settings, dataToken: token })
      return new Extraction(options, ports, monolith, gateway)
    } catch (error) {
      await monolith[Symbol.asyncDispose]()
      throw error
    }
  }

  get cutOver(): CutOverAddress {
    return { url: url(this.ports.cutOver), token: this.#options.token }
  }

  /** Puts a release of the new service in the place of the one before, beside the monolith. Users do not notice: none of them is led there. */
  async release(kind: 'careless' | 'mended'): Promise<void> {
    const { shop } = this.#options
    const { ports } = this
    await this.reviews?.stop()
    const monolith = url(ports.monolith)
    this.reviews = await shop.startService({
      name: 'reviews',
      file: PROGRAMS.movingReviews,
      args: [String(ports.reviewsSide), kind],
      port: ports[kind],
      endpoints: { catalog: monolith, customers: monolith },
    })
    this.#cutOver ??= await this.#startCutOver()
    // Another address of the service: what is compared begins anew.
    await this.#route(kind, { isShadowed: true })
  }

  /** Reads are answered by the monolith alone again, and nobody compares. */
  async endComparison(): Promise<void> {
    await this.#route('mended', { isShadowed: false })
  }

  async #route(release: 'careless' | 'mended', { isShadowed }: { readonly isShadowed: boolean }): Promise<void> {
    await this.gateway.configure({
      upstreams: { monolith: url(this.ports.monolith), reviews: url(this.ports[release]) },
      routes: movingRoutes({ cutOverUrl: this.cutOver.url, isShadowed }),
    })
  }

  #startCutOver(): Promise<LabProcess> {
    const { monolithSide, reviewsSide, cutOver } = this.ports
    return this.#options.shop.start({
      name: 'cut-over',
      file: PROGRAMS.cutOver,
      args: [url(monolithSide), url(reviewsSide), String(cutOver)],
      env: {},
      readyUrl: `${url(cutOver)}/ready`,
    })
  }

  /** Until the copy is there and compared key by key. */
  async untilDataIsReady(): Promise<CutOverStatus> {
    return eventually(
      'the data of reviews is ready',
      () => this.status(),
      (status) => status.readiness.ready,
    )
  }

  /** Until the new service has everything that had been written when this was called. */
  async untilFed(): Promise<void> {
    await eventually(
      'the new service has what was written',
      () => this.status(),
      ({ lag }) => lag.changes === 0,
    )
  }

  async status(): Promise<CutOverStatus> {
    return (await this.#ask('GET', 'status')) as CutOverStatus
  }

  /** Compares both sides, key by key. */
  async verify(): Promise<Verification> {
    return (await this.#ask('POST', 'verify')) as Verification
  }

  async retire(): Promise<void> {
    await this.#ask('POST', 'retire')
  }

  untilCompared(isEnough: (comparisons: Comparisons) => boolean): Promise<Comparisons> {
    return eventually('the comparison has something to say', () => this.gateway.comparisons(), isEnough)
  }

  /**
   * Moves the share of users that are led to the new service, as soon as the gateway agrees.
   * @returns why it did not before
   */
  async shift(percent: number, why: string): Promise<readonly string[]> {
    const refusals: string[] = []
    const deadlineMs = systemClock.monotonicMs() + WITHIN_MS
    for (;;) {
      try {
        await this.gateway.command('shift', 'reviews', String(percent), '--why', why)
        return refusals
      } catch (error) {
        if (!(error instanceof UnavailableError) || systemClock.monotonicMs() > deadlineMs) throw error
        refusals.push(error.message)
        await sleep(systemClock, LOOK_EVERY_MS)
      }
    }
  }

  /** What moved the data is not needed any more. */
  async endCutOver(): Promise<void> {
    await this.#cutOver?.stop()
    this.#cutOver = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.gateway, this.#cutOver, this.reviews, this.monolith].map(async (each) => each?.[Symbol.asyncDispose]()))
  }

  async #ask(method: 'GET' | 'POST', question: string): Promise<unknown> {
    const { url: base, token } = this.cutOver
    const answer = await fetch(new URL(question, base), { method, headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new UnavailableError(`The cut-over answered ${answer.status} to ${question}: ${await answer.text()}`)
    return answer.json()
  }
}

/** Looks again and again, until what it sees is enough. @throws TimeoutError */
export async function eventually<T>(
  what: string,
  look: () => Promise<T>,
  isEnough: (seen: T) => boolean,
  withinMs = WITHIN_MS,
): Promise<T> {
  const deadlineMs = systemClock.monotonicMs() + withinMs
  for (;;) {
    // Whoever is asked may be about to start.
    const seen = await look().catch((error: unknown) => {
      if (systemClock.monotonicMs() > deadlineMs) throw error
      return undefined
    })
    if (seen !== undefined && isEnough(seen)) return seen
    if (systemClock.monotonicMs() > deadlineMs) throw new TimeoutError(`It did not come to be that ${what}.`, withinMs)
    await sleep(systemClock, LOOK_EVERY_MS)
  }
}
