import type { Handlers } from '../engines/transport.ts'
import { eventLogOf } from '../engines/event-log.ts'
import { EVENT_LOG, StoredLog } from '../engines/stored-log.ts'
import { queueOf } from '../engines/queue.ts'
import { StoredQueue } from '../engines/stored-queue.ts'
import { type DatabasePool, openDatabase } from '../engines/sqlite.ts'
import { type Directory, transportOf } from '../engines/transport.ts'
import { drawBetween } from '../kernel/hash.ts'
import { Incarnation } from './incarnation.ts'
import type { NodeDefinition, NodePorts } from './system.ts'
import type { World } from './world.ts'

const RESTART_MS = [50, 2_000] as const
const LIVES_MAX = 200

interface RunningNode {
  readonly definition: NodeDefinition
  incarnation: Incarnation | undefined
  handlers: Handlers | undefined
  lives: number
}

/** The nodes of one history: starts them, finds them, and starts them again after a crash. */
export class Nodes implements Directory {
  readonly #world: World
  readonly #pool: DatabasePool
  readonly #nodes = new Map<string, RunningNode>()
  /** Told when a factory threw although nothing had gone wrong, or throws again and again. */
  readonly #onCannotStart: (node: string, cause: unknown) => void

  constructor(
    world: World,
    definitions: readonly NodeDefinition[],
    pool: DatabasePool,
    onCannotStart: (node: string, cause: unknown) => void,
  ) {
    this.#world = world
    this.#pool = pool
    this.#onCannotStart = onCannotStart
    for (const definition of definitions) {
      this.#nodes.set(definition.name, { definition, incarnation: undefined, handlers: undefined, lives: 0 })
    }
  }

  get allReady(): boolean {
    for (const { handlers } of this.#nodes.values()) if (handlers === undefined) return false
    return true
  }

  startAll(): void {
    for (const running of this.#nodes.values()) this.#world.scheduler.after(0, () => this.#start(running))
  }

  lookUp(node: string): { readonly incarnation: Incarnation; readonly handlers: Handlers } | undefined {
    const running = this.#nodes.get(node)
    return running?.incarnation?.alive === true && running.handlers !== undefined
      ? { incarnation: running.incarnation, handlers: running.handlers }
      : undefined
  }

  /** The process is gone; a supervisor starts it again after a while. */
  crash(incarnation: Incarnation): void {
    const running = this.#nodes.get(incarnation.node)
    incarnation.die()
    if (running?.incarnation !== incarnation) return
    running.handlers = undefined
    const afterMs = drawBetween(this.#world.seed, `restart ${incarnation.node}/${incarnation.number}`, ...RESTART_MS)
    this.#world.scheduler.after(afterMs, () => this.#start(running))
  }

  /** Whoever stands still goes on. */
  heal(): void {
    for (const { incarnation } of this.#nodes.values()) if (incarnation !== undefined) incarnation.pausedUntilMs = 0
  }

  /** The history is over: nothing goes on behind its back. */
  endAll(): void {
    for (const { incarnation } of this.#nodes.values()) incarnation?.die()
  }

  #start(running: RunningNode): void {
    const incarnation = new Incarnation(this.#world, running.definition.name, ++running.lives)
    running.incarnation = incarnation
    incarnation.record({ kind: 'start' })
    void incarnation.run(() => this.#run(running, incarnation))
  }

  async #run(running: RunningNode, incarnation: Incarnation): Promise<void> {
    try {
      const handlers = (await running.definition.start(this.#portsOf(incarnation))) ?? {}
      if (!incarnation.alive) return
      running.handlers = handlers
      incarnation.record({ kind: 'ready' })
    } catch (error) {
      this.#couldNotStart(running, incarnation, error)
    }
  }

  /** A process whose start fails ends, and is started again. Where nothing went wrong before, that helps nobody. */
  #couldNotStart(running: RunningNode, incarnation: Incarnation, error: unknown): void {
    if (!incarnation.alive) return
    if (this.#world.struck.length === 0 || running.lives >= LIVES_MAX) {
      this.#onCannotStart(incarnation.node, error)
      return
    }
    incarnation.record({ kind: 'note', text: `cannot start: ${String(error)}`, data: undefined })
    incarnation.record({ kind: 'crash' })
    this.crash(incarnation)
  }

  #portsOf(process: Incarnation): NodePorts {
    const { world } = process
    const nowMs = () => world.scheduler.nowMs
    return {
      name: process.node,
      clock: process.clock,
      random: process.random,
      newId: process.newId,
      transport: transportOf(process, this),
      eventLog: eventLogOf(
        process,
        world.shared(EVENT_LOG, () => new StoredLog({ nowMs })),
      ),
      queue: (name, options) =>
        queueOf(
          process,
          world.shared(`queue ${name}`, () => new StoredQueue(name, nowMs, options)),
        ),
      database: (options = {}) => openDatabase(process, this.#pool, options),
      shared: (name, create) => world.shared(`shared ${name}`, create),
      note: (text, data) => {
        if (process.alive) process.record({ kind: 'note', text, data })
      },
      process,
    }
  }
}
