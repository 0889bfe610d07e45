import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from '@seaworthy/testing/fault-proxy'
import { newId, sleep, systemClock } from 'seaworthy/core'
import { Collector } from './collector.ts'
import type { Outcome, Verdict } from './judge.ts'
import { Letters } from './letters.ts'
import { LabProcess } from './processes.ts'
import { type Case, type JobName, type Plant, type PlantKind, type ServiceName, JOBS, NEEDS_SERVER, SERVICES } from './plants.ts'

const WARM_UPS = 4
const SYNCHRONOUS: readonly ServiceName[] = ['storefront', 'orders', 'pricing', 'inventory', 'payments']

/** The checkout's processes, and what can be done to them. */
export class Checkout implements AsyncDisposable {
  readonly collector: Collector
  readonly #services: ReadonlyMap<ServiceName, LabProcess>
  readonly #jobs: ReadonlyMap<JobName, LabProcess>
  readonly #urls: Readonly<Record<string, string>>
  readonly #paymentsProxy: FaultProxy
  readonly #letters: Letters | undefined

  private constructor(parts: {
    collector: Collector
    services: ReadonlyMap<ServiceName, LabProcess>
    jobs: ReadonlyMap<JobName, LabProcess>
    urls: Readonly<Record<string, string>>
    paymentsProxy: FaultProxy
    letters: Letters | undefined
  }) {
    this.collector = parts.collector
    this.#services = parts.services
    this.#jobs = parts.jobs
    this.#urls = parts.urls
    this.#paymentsProxy = parts.paymentsProxy
    this.#letters = parts.letters
  }

  /** @param postgresUrl absent: inventory keeps its stock in SQLite, and what needs a server is left out */
  static async start({ outDir, postgresUrl }: { readonly outDir: string; readonly postgresUrl: string | undefined }): Promise<Checkout> {
    const collector = await Collector.start(join(outDir, 'console'))
    const database = postgresUrl ?? join(outDir, 'stock.db')
    const logFile = join(outDir, 'processes.log')
    const begin = async (file: string, name: string): Promise<readonly [LabProcess, string]> => {
      const process = new LabProcess(file, [name, collector.url, database], logFile)
      return [process, (await process.next('listening')).url]
    }
    // Inventory owns the tables, and makes them.
    const inventory = await begin('service-process.ts', 'inventory')
    const others = await Promise.all(SERVICES.filter((name) => name !== 'inventory').map((name) => begin('service-process.ts', name)))
    const jobs = postgresUrl === undefined ? [] : await Promise.all(JOBS.map((name) => begin('job-process.ts', name)))
    const started = [inventory, ...others]
    const urls = Object.fromEntries(started.map(([{ name }, url]) => [name, url]))
    const paymentsProxy = await startFaultProxy({ target: { port: Number(new URL(urls['payments']!).port) } })
    urls['payments'] = `http://127.0.0.1:${paymentsProxy.port}`
    for (const [process] of started) process.tell({ kind: 'urls', urls })
    const checkout = new Checkout({
      collector,
      services: new Map(started.map(([process]) => [process.name as ServiceName, process])),
      jobs: new Map(jobs.map(([process]) => [process.name as JobName, process])),
      urls,
      paymentsProxy,
      letters: await Letters.open(database),
    })
    for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await checkout.#buy(newId())
    return checkout
  }

  /** Whether it can be planted on what is there. */
  canPlant({ plants }: Case): boolean {
    return this.#letters !== undefined || plants.every(({ kind }) => !NEEDS_SERVER.has(kind))
  }

  /** One checkout with these in it, and what the console says of it. */
  async play(one: Case): Promise<Outcome> {
    const samples = new Map(SERVICES.map((name) => [name, { cpuMs: 0, overMs: 0 }]))
    const plantedMs: Partial<Record<PlantKind, number>> = {}
    for (const [name, process] of this.#services) {
      process.onReport = (report) => {
        if (report.kind === 'sample') {
          const all = samples.get(name)!
          all.cpuMs += report.cpuMs
          all.overMs += report.overMs
        }
        if (report.kind === 'planted') plantedMs[report.plant] = report.ms
      }
    }
    const measures = await Promise.all(one.plants.map((plant) => this.#plant(plant)))
    const correlationId = newId()
    const [, ...measured] = await Promise.all([this.#buy(correlationId), ...measures.map((measure) => measure?.())])
    for (const [index, ms] of measured.entries()) if (ms !== undefined) plantedMs[one.plants[index]!.kind] = ms
    await this.#paymentsProxy.heal()
    const services = one.plants.some(({ service }) => service === 'notifications') ? [...SERVICES] : SYNCHRONOUS
    const verdict: Verdict = await this.collector.verdictOn(correlationId, services)
    return {
      case: one,
      plantedMs,
      verdict,
      cpu: Object.fromEntries([...samples].map(([name, { cpuMs, overMs }]) => [name, cpuMs / Math.max(1, overMs)])),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#services.values(), ...this.#jobs.values()].map((process) => process[Symbol.asyncDispose]()))
    await this.#paymentsProxy.close()
    await this.#letters?.close()
    await this.collector[Symbol.asyncDispose]()
  }

  async #buy(correlationId: string): Promise<void> {
    const response = await fetch(`${this.#urls['storefront']}/api/checkout`, {
      method: 'POST',
      headers: { 'x-correlation-id': correlationId },
    })
    if (response.status !== 204) throw new Error(`The checkout was answered ${response.status}: ${await response.text()}`)
  }

  /** Makes ready what is to go wrong. @returns what is to be done while the request is under way, and measures it; undefined where the service itself does both */
  async #plant(plant: Plant): Promise<(() => Promise<number>) | undefined> {
    const service = this.#services.get(plant.service)!
    switch (plant.kind) {
      case 'row-lock': {
        const recount = this.#jobs.get('nightly-recount')!
        await this.#held(recount, ['tea'], 1)
        return () => this.#holdWhileWaiting(plant, recount, recount)
      }
      case 'lock-chain': {
        const recount = this.#jobs.get('nightly-recount')!
        const stocktake = this.#jobs.get('stocktake')!
        await this.#held(recount, ['coffee'], 1)
        // It has the tea, and asks for the coffee; when it gets that it is done.
        await this.#held(stocktake, ['tea', 'coffee'], 1)
        stocktake.tell({ kind: 'release' })
        return () => this.#holdWhileWaiting(plant, recount, stocktake)
      }
      case 'slow-network':
        await this.#paymentsProxy.afflict({
          upstream: { latency: { delayMs: plant.ms / 2 } },
          downstream: { latency: { delayMs: plant.ms / 2 } },
        })
        return () => Promise.resolve(plant.ms)
      case 'queue-delay': {
        const reading = service.next('counting')
        await this.#letters!.sendNewsletter()
        await reading
        return () => this.#holdLetters(plant, service)
      }
      case 'slow-code':
      case 'cpu-burn':
      case 'blocked-loop':
      case 'starved-pool':
      case 'slow-query':
      case 'n-plus-one': {
        const ready = service.next('ready')
        service.tell({ kind: 'plant', plant })
        await ready
        return undefined
      }
    }
  }

  async #held(job: LabProcess, skus: readonly string[], index: number): Promise<void> {
    const has = job.next('counting', (report) => report.index === index)
    job.tell({ kind: 'hold', skus })
    await has
  }

  /** From when inventory asks for the row until whoever had it has committed. */
  async #holdWhileWaiting({ ms, service }: Plant, root: LabProcess, inFront: LabProcess): Promise<number> {
    const { atMs } = await this.#services.get(service)!.next('waiting')
    await sleep(systemClock, ms)
    const released = inFront.next('released')
    root.tell({ kind: 'release' })
    return (await released).atMs - atMs
  }

  /** From when the letter is sent, which orders does last of all, until the worker has a place for it. */
  async #holdLetters({ ms }: Plant, notifications: LabProcess): Promise<number> {
    const { atMs: sinceMs } = await this.#services.get('orders')!.next('waiting')
    await sleep(systemClock, ms)
    const released = notifications.next('released')
    notifications.tell({ kind: 'release' })
    return (await released).atMs - sinceMs
  }
}
