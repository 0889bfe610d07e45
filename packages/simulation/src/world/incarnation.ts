import { AsyncLocalStorage } from 'node:async_hooks'
import { type Clock, type Environment, type NewId, type Random, type Timer, seededRandom, uuidV7 } from 'seaworthy/core'
import type { FaultKind } from '../faults/fault.ts'
import { type ExecutionIndex, labelOf } from '../kernel/execution-index.ts'
import { draw, drawBetween, drawUnitFrom } from '../kernel/hash.ts'
import type { Happening } from '../kernel/history.ts'
import { type Owner, toTick } from '../kernel/scheduler.ts'
import type { PointOptions, World } from './world.ts'

/** Who the running code belongs to: kept by the asynchronous context, so that code which was given no port is recognised too. */
export const acting = new AsyncLocalStorage<Incarnation>()

// 1 January 2026, UTC.
const EPOCH_MS = 1_767_225_600_000
const SKEW_MAX_MS = 500

/**
 * One life of a node, or of a client: everything it does goes through here. Once it is dead, nothing that it waits for happens and nothing it does has
 * an effect. Code of a dead process may run on until its next wait; it meets closed doors only.
 */
export class Incarnation implements Owner {
  readonly world: World
  readonly node: string
  /** From 1; 0 for a client. */
  readonly number: number
  readonly environment: Environment
  readonly random: Random
  readonly newId: NewId
  readonly clock: Clock
  pausedUntilMs = 0
  #alive = true
  #wallOffsetMs: number
  readonly #startedMs: number
  readonly #deathHooks = new Set<() => void>()

  constructor(world: World, node: string, number: number) {
    this.world = world
    this.node = node
    this.number = number
    const name = `${node}/${number}`
    const { seed, scheduler } = world
    // Every process counts its monotonic time from somewhere else, as after a boot: comparing across two lives is a mistake that shows.
    this.#startedMs = scheduler.nowMs - toTick(drawBetween(seed, `monotonic ${name}`, 0, 100_000))
    this.#wallOffsetMs = world.wallOffsetOf(node, () => drawBetween(seed, `skew ${node}`, -SKEW_MAX_MS, SKEW_MAX_MS))
    this.clock = {
      now: () => Math.floor(EPOCH_MS + scheduler.nowMs + this.#wallOffsetMs),
      monotonicMs: () => scheduler.nowMs - this.#startedMs,
      timer: (delayMs, fire) => this.#timer(delayMs, fire),
    }
    this.random = seededRandom(draw(seed, `random ${name}`))
    this.newId = uuidV7(this.clock, seededRandom(draw(seed, `ids ${name}`)))
    this.environment = {
      clock: this.clock,
      random: this.random,
      newId: this.newId,
      nextMacrotask: (fire) => this.#timer(0, fire, false),
      faultPoint: (text) => this.#faultPoint(text),
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Runs code of this process. */
  run<T>(body: () => T): T {
    return acting.run(this, body)
  }

  /** A promise that never settles: what a dead process waits for. One for each wait, or who waits would be kept as long as the promise is, with all of its history. */
  never<T>(): Promise<T> {
    return new Promise(() => undefined)
  }

  /** Calls `hook` when the process dies: an engine drops what it held for it. @returns a function that forgets the hook */
  onDeath(hook: () => void): () => void {
    const own = () => hook()
    this.#deathHooks.add(own)
    return () => this.#deathHooks.delete(own)
  }

  die(): void {
    if (!this.#alive) return
    this.#alive = false
    for (const hook of this.#deathHooks) hook()
  }

  /** Writes down what happened to this process. */
  record(happening: Happening, index?: ExecutionIndex): void {
    this.world.record(this.node, this.number, happening, index)
  }

  /**
   * A decision point. Whole-process faults take effect in here; ask `alive` afterwards. What is returned is for the caller to carry out.
   * @param name `operation:label`
   */
  point(
    name: string,
    possible: readonly FaultKind[],
    options: PointOptions = {},
  ): { readonly index: string; readonly fault: FaultKind | undefined } {
    return this.world.point(this, name, possible, options)
  }

  /** Settles after `delayMs` with what `settle` returns then; never if the process is dead by then. */
  later<T>(delayMs: number, settle: () => T): Promise<T> {
    if (!this.#alive) return this.never()
    return new Promise((resolve, reject) => {
      this.world.scheduler.after(
        delayMs,
        () => {
          try {
            resolve(settle())
          } catch (error) {
            reject(error)
          }
        },
        { owner: this },
      )
    })
  }

  /** Milliseconds that something takes: a function of the seed and the point alone. */
  latency(index: string, fromMs: number, toMs: number): number {
    return fromMs + drawUnitFrom(this.world.latencyBasis, index) * (toMs - fromMs)
  }

  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs
    this.world.setWallOffset(this.node, this.#wallOffsetMs)
  }

  #timer(delayMs: number, fire: () => void, isTimer = true): Timer {
    if (!this.#alive) return { cancel: () => undefined }
    // A callback runs in the context of whoever asked for it, as in Node; a promise keeps that context, at a tenth of what a snapshot of it costs.
    const due = Promise.withResolvers<void>()
    void due.promise.then(fire)
    return this.world.scheduler.after(delayMs, due.resolve, { owner: this, timer: isTimer })
  }

  #faultPoint(text: string): Promise<void> | undefined {
    if (!this.#alive) return this.never()
    if (text.startsWith('database:')) return this.world.databasePoint(this, text)
    const name = labelOf(text)
    this.point(`fault-point:${name}`, ['crash', 'pause'], { happening: { kind: 'fault-point', name } })
    if (!this.#alive) return this.never()
    return this.pausedUntilMs > this.world.scheduler.nowMs ? this.later(0, () => undefined) : undefined
  }
}
