import { setEnvironment } from 'seaworthy/core'
import { DatabasePool } from '../../src/engines/sqlite.ts'
import { ExecutionCounters } from '../../src/kernel/execution-index.ts'
import { noFaults } from '../../src/faults/fault-plan.ts'
import { Incarnation, acting } from '../../src/world/incarnation.ts'
import { World } from '../../src/world/world.ts'

/** A world for the contract suites, which know nothing of virtual time: whenever the real event loop turns, what the engines have to do is done. */
export class DrivenWorld {
  readonly world = new World({ seed: 1, plan: noFaults, allowed: new Set(), counters: new ExecutionCounters(), onCrash: () => undefined })
  readonly pool = new DatabasePool()
  readonly #timersToo: boolean
  readonly #restore: () => void
  #process: Incarnation
  #handle: NodeJS.Immediate | undefined

  /** @param timersToo time passes by itself up to the next timer, and not only when it is told to */
  constructor(options: { readonly timersToo: boolean }) {
    this.#timersToo = options.timersToo
    this.#process = new Incarnation(this.world, 'tested', 1)
    // Called before its caller's first await, so that the whole of the test runs as this process.
    acting.enterWith(this.#process)
    // After a crash the rest of the test is the process that took over.
    this.#restore = setEnvironment(() => (acting.getStore()?.world === this.world ? this.#process.environment : undefined))
    this.#drive()
  }

  get process(): Incarnation {
    return this.#process
  }

  /** The process dies; another takes over. */
  crash(): Incarnation {
    const { number } = this.#process
    this.#process.die()
    this.#process = new Incarnation(this.world, 'tested', number + 1)
    return this.#process
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.world.scheduler.nowMs + ms
    await turn()
    while (this.world.scheduler.step(untilMs)) await turn()
    this.world.scheduler.moveTo(untilMs)
    await turn()
  }

  dispose(): void {
    clearImmediate(this.#handle)
    this.#restore()
    this.#process.die()
    this.world.dispose()
    this.pool.close()
  }

  #drive(): void {
    this.#handle = setImmediate(() => {
      const { scheduler } = this.world
      const untilMs = this.#timersToo ? Number.POSITIVE_INFINITY : scheduler.nextWorkAtMs
      if (untilMs !== undefined) scheduler.step(untilMs)
      this.#drive()
    })
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
