import type { Clock } from 'seaworthy/core'
import type { Service, System } from 'seaworthy/system'
import type { Child } from './child.ts'
import { hold } from './gateway-hold.ts'
import { leadTo } from './gateway-upstream.ts'
import type { ProcessPool } from './process-pool.ts'
import type { SupervisedProcess } from './supervised-process.ts'

export interface ScalingParts {
  readonly system: System
  readonly pool: ProcessPool
  readonly clock: Clock
  readonly stopping: AbortSignal
  /** The one that is at work. */
  readonly gateway: () => Child | undefined
  /** @throws TimeoutError, StartFailedError */
  readonly untilReady: (supervised: SupervisedProcess) => Promise<void>
  /** Replaces the processes of a service, one after another. */
  readonly restart: (name: string) => Promise<void>
  readonly changed: () => void
}

const STOP_TIMEOUT_MS = 5_000

/** Changes how many instances of a service run: one change after another. */
export class Scaling {
  readonly #parts: ScalingParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: ScalingParts) {
    this.#parts = parts
  }

  scale(service: Service, count: number): Promise<void> {
    const scaled = this.#last.then(() => {
      this.#parts.stopping.throwIfAborted()
      return this.#scale(service, count)
    })
    this.#last = scaled.catch(() => undefined)
    return scaled
  }

  async #scale(service: Service, count: number): Promise<void> {
    const { pool, clock, gateway, restart, changed } = this.#parts
    const before = pool.processes.filter((each) => each.service.name === service.name)
    const wanted = [...before.slice(0, count), ...(await this.#startMore(service, count - before.length))]
    const leaving = before.slice(count)
    if (leaving.length === 0 && wanted.length === before.length) return
    pool.tell(service, wanted)
    const front = gateway()
    if (front !== undefined) await leadTo(front, { upstream: service.name, urls: wanted.map((each) => pool.urlOf(each)) }, clock)
    // One after another, as at any restart: each comes back with the new addresses.
    for (const caller of this.#callersOf(service)) await restart(caller)
    for (const one of leaving) await this.#endOne(one)
    changed()
  }

  /** All of them, or none. */
  async #startMore(service: Service, count: number): Promise<readonly SupervisedProcess[]> {
    const { pool, untilReady, changed } = this.#parts
    const added: SupervisedProcess[] = []
    try {
      while (added.length < count) {
        const one = await pool.addNext(service)
        added.push(one)
        one.start()
        await untilReady(one)
      }
      return added
    } catch (error) {
      await Promise.all(added.map((one) => one.stop(STOP_TIMEOUT_MS)))
      for (const one of added) pool.remove(one)
      changed()
      throw error
    }
  }

  /** Nobody is told of it any more; what it still has in hand it finishes. */
  async #endOne(leaving: SupervisedProcess): Promise<void> {
    const { pool, clock, gateway } = this.#parts
    const front = gateway()
    const target = { upstream: leaving.service.name, url: pool.urlOf(leaving) }
    const held = front === undefined ? undefined : await hold(front, target, clock)
    await leaving.stop(STOP_TIMEOUT_MS)
    held?.release()
    pool.remove(leaving)
  }

  /** Those that run and were told where its instances are. */
  #callersOf(service: Service): readonly string[] {
    const { system, pool } = this.#parts
    const callers = pool.processes.filter(
      ({ isStarted, service: { role, calls } }) =>
        isStarted && role !== 'gateway' && calls.some((callee) => system.answering(callee).name === service.name),
    )
    return [...new Set(callers.map((caller) => caller.service.name))]
  }
}
