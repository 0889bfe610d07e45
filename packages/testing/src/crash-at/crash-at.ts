import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventLog, Queue } from 'seaworthy/messaging'
import { callPoints, replyPoints } from './calls.ts'
import { countedPoint, labelOf } from './counted-point.ts'
import { eventLogPoints } from './event-log.ts'
import { faultPoints } from './fault-points.ts'
import { queuePoints } from './queue.ts'

export interface CrashAtOptions {
  /** Each `service.operation:label#n`: the n-th time that the point is reached, from 1; `#next` for the first time in this life, and so in each that is told the same. */
  readonly indexes: readonly string[]
  /** Whose process this is. */
  readonly service: string
  /** Where times are counted, across restarts: a folder of the service's own. */
  readonly directory: string
  /** Which service listens on a port that this process calls. */
  readonly calleeAt: (port: number) => string | undefined
  /** How the process ends. Default: SIGKILL to itself. */
  readonly die?: () => void
}

/** What a process puts its parts through, so that it can be crashed in them. */
export interface CrashPoints {
  /** `event-log:append:before`, `event-log:append:after`, `event-log:poll-GROUP`, `event-log:offsets-GROUP:before` and `:after`. */
  eventLog(open: () => Promise<EventLog>): Promise<EventLog>
  /** `queue:NAME:send:before` and `:after`, the same of `acknowledge` and `reject`, and `queue:NAME:receive`. */
  queue(name: string, open: () => Promise<Queue>): Promise<Queue>
  /** `transport:METHOD:reply`: the work is done, and the answer has not left. */
  handlers<Handlers extends Readonly<Record<string, (...args: never[]) => unknown>>>(handlers: Handlers): Handlers
  /** The same for a route, under `METHOD-/path`. Call it before the answer is sent. */
  replying(method: string): void
  stop(): void
}

/**
 * Watches for the points. From here on this process's databases report `database:begin`, `database:commit:before` and `:after`, its code the
 * points that it names by `faultPoint` (as `fault-point:NAME`), and its outgoing calls `transport:CALLEE.METHOD:request`.
 * @returns undefined when all of them are in other services
 * @throws ConfigurationError when an index is none
 */
export function startCrashAt(options: CrashAtOptions): CrashPoints | undefined {
  const points = options.indexes.map((index) => countedPoint(index, options)).filter((point) => point !== undefined)
  if (points.length === 0) return undefined
  const reach = (name: string) => {
    for (const point of points) if (point.name === name) point.reach()
  }
  // An embedded log or queue has a database of its own, whose commits are not the service's.
  const inEngine = new AsyncLocalStorage<true>()
  const engine = <T>(work: () => T): T => inEngine.run(true, work)
  const stops = [
    faultPoints((name) => {
      if (inEngine.getStore() === undefined) reach(name)
    }),
    callPoints(reach, options.calleeAt),
  ]
  return {
    eventLog: async (open) => eventLogPoints(await engine(open), { reach, engine }),
    queue: async (name, open) => queuePoints(await engine(open), { name, reach, engine }),
    handlers: (handlers) => replyPoints(handlers, reach),
    replying: (method) => reach(`transport:${labelOf(method)}:reply`),
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

/** Told the name of each point, `operation:label`. */
export type Reach = (name: string) => void

/** Runs work of an engine, so that its own database is told from the service's. */
export type InEngine = <T>(work: () => T) => T
