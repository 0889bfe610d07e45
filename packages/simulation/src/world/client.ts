import { executedOf, isFinal, rootContext, sleep, withBudget } from 'seaworthy/core'
import { type Directory, transportOf } from '../engines/transport.ts'
import { throughJson } from '../engines/wire-error.ts'
import { drawBetween } from '../kernel/hash.ts'
import type { Outcome } from '../kernel/history.ts'
import { Incarnation } from './incarnation.ts'
import type { ClientCallOptions, ClientDefinition, ClientPorts } from './system.ts'
import type { World } from './world.ts'

/** What a client was told. */
export interface Acknowledged {
  readonly client: string
  readonly node: string
  readonly method: string
  readonly key: string | undefined
  readonly request: unknown
  readonly answer: unknown
  readonly atMs: number
}

const ATTEMPT_TIMEOUT_MS = 2_000
const RETRY_MS = [20, 500] as const

/** A client at work. */
export class RunningClient {
  readonly #world: World
  readonly #definition: ClientDefinition
  readonly #process: Incarnation
  readonly #onAcknowledged: (acknowledged: Acknowledged) => void
  readonly #onFailure: (error: unknown) => void
  readonly #ports: ClientPorts
  #calls = 0
  #done = false

  constructor(
    world: World,
    definition: ClientDefinition,
    directory: Directory,
    on: { readonly acknowledged: (acknowledged: Acknowledged) => void; readonly failure: (error: unknown) => void },
  ) {
    this.#world = world
    this.#definition = definition
    this.#onAcknowledged = on.acknowledged
    this.#onFailure = on.failure
    const process = (this.#process = new Incarnation(world, definition.name, 0))
    const transport = transportOf(process, directory)
    this.#ports = {
      name: definition.name,
      clock: process.clock,
      random: process.random,
      newId: process.newId,
      call: <Answer>(node: string, method: string, request: unknown, options: ClientCallOptions = {}) =>
        this.#call(transport, node, method, request, options) as Promise<Answer>,
      sleep: (delayMs) => sleep(process.clock, delayMs),
      note: (text, data) => process.record({ kind: 'note', text, data }),
    }
  }

  get done(): boolean {
    return this.#done
  }

  start(): void {
    void this.#process.run(() => this.#run())
  }

  end(): void {
    this.#process.die()
  }

  async #run(): Promise<void> {
    try {
      await this.#definition.run(this.#ports)
    } catch (error) {
      this.#onFailure(error)
    }
    this.#done = true
  }

  async #call(
    transport: ReturnType<typeof transportOf>,
    node: string,
    method: string,
    request: unknown,
    { key, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS, attemptsMax = Number.POSITIVE_INFINITY }: ClientCallOptions,
  ): Promise<unknown> {
    const process = this.#process
    const number = ++this.#calls
    const idempotencyKey = key === null ? undefined : (key ?? `${this.#definition.name}-${number}`)
    const root = rootContext({ idempotencyKey })
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await transport.call(node, method, request, withBudget(root, attemptTimeoutMs, process.clock))
        const told: Acknowledged = {
          client: this.#definition.name,
          node,
          method,
          key: idempotencyKey,
          request: throughJson(request),
          answer,
          atMs: this.#world.scheduler.nowMs,
        }
        process.record({ kind: 'acknowledged', method, key: idempotencyKey, outcome: { kind: 'done', result: answer }, peer: node })
        this.#onAcknowledged(told)
        return answer
      } catch (error) {
        const executed = executedOf(error)
        // What may have been done is asked for again under its key alone: the receiver can tell a repetition by nothing else.
        const mayRepeat = !isFinal(error) && (executed === 'no' || idempotencyKey !== undefined)
        if (!mayRepeat || attempt >= attemptsMax) {
          const outcome: Outcome = { kind: 'failed', error: String(error), executed }
          process.record({ kind: 'refused', method, key: idempotencyKey, outcome, peer: node })
          throw error
        }
      }
      const delayMs = drawBetween(this.#world.seed, `retry ${this.#definition.name} ${number}/${attempt}`, ...RETRY_MS)
      await sleep(process.clock, delayMs * Math.min(attempt, 8))
    }
  }
}
