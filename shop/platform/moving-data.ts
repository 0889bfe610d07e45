import type { RequestListener } from 'node:http'
import type { HttpServer } from '@seaworthy/rpc/rest'
import {
  cutOverSchema,
  type Mapping,
  ownedWrites,
  remoteSide,
  serveCutOver,
  serveSide,
  type Side,
  sqliteSide,
  startCutOver,
  storedOwnership,
  throughOldSide,
} from '@seaworthy/strangler/cut-over'
import { type Database, sleep, systemClock, UnavailableError } from 'seaworthy/core'
import { hasBearerToken } from 'seaworthy/http'
import type { EventLog } from 'seaworthy/messaging'
import { ALWAYS_OWNED } from './always-owned.ts'
import type { ProcessContract } from './process-contract.ts'
import type { MovingWrites, ServiceComposition, ServiceLogger, ServicePorts } from './service-ports.ts'
import type { ServiceSchema } from './tables.ts'

/** Below it, on the service's own port and never routed by the gateway, those talk who move data while the shop runs. */
const PATH = '/internal/cut-over/'
/** Less than a process has for its end. */
const ANSWER_TIMEOUT_MS = 2_000
const FEED_EVERY_MS = 20
/** Whoever has written waits so long for others to have it, and no longer: it is written. */
const SEEN_WAIT_MS = 1_000
/** Events wait so long for the predecessor to have what they tell of; then their relay tries again. */
const EVENTS_WAIT_MS = 1_000
const COPY_LOOK_EVERY_MS = 100

/** The tables that a process needs where data moves to it or from it while the shop runs. */
export function movingSchema({ takesOver, givesAway }: Pick<ServiceComposition, 'takesOver' | 'givesAway'>): readonly ServiceSchema[] {
  return takesOver === undefined && givesAway === undefined ? [] : [() => cutOverSchema]
}

type Append = Pick<EventLog, 'append'>

/** An event log of which one topic is appended to elsewhere. */
export interface DivertedLog {
  readonly log: EventLog
  through(elsewhere: Append): void
}

export function divertedLog(log: EventLog, topic: string): DivertedLog {
  let elsewhere: Append | undefined
  return {
    log: {
      async append(to, events) {
        if (to !== topic) return log.append(to, events)
        if (elsewhere === undefined) throw new UnavailableError(`Events of ${topic} wait until it is known who has the topic.`)
        return elsewhere.append(to, events)
      },
      reader: (options) => log.reader(options),
      topics: () => log.topics(),
      close: () => log.close(),
    },
    through: (found) => (elsewhere = found),
  }
}

export interface MovingData {
  readonly composition: ServiceComposition
  readonly contract: NonNullable<ProcessContract['moving']>
  readonly database: Database
  /** What this process publishes on: for itself, and for whoever takes its data over. */
  readonly log: EventLog
  /** That of a successor whose topic its predecessor has. */
  readonly diverted: DivertedLog | undefined
  readonly http: HttpServer
  readonly logger: ServiceLogger
  readonly onStop: ServicePorts['onStop']
}

/**
 * Takes part in moving data while the shop runs: the predecessor serves its side, and the successor moves.
 * @returns what writers ask, in their own transaction, before they write
 */
export async function moveData(moving: MovingData): Promise<ServicePorts['owned']> {
  const { token, predecessorUrl } = moving.contract
  const { takesOver, givesAway = [] } = moving.composition
  const owned = new Map<string, MovingWrites>()
  for (const mapping of givesAway) owned.set(mapping.name, await serveOldSide(mapping, token, moving))
  if (takesOver !== undefined && predecessorUrl !== undefined)
    owned.set(takesOver.name, await takeOver(takesOver, { token, predecessorUrl }, moving))
  return (name) => owned.get(name) ?? ALWAYS_OWNED
}

/** The side of whoever has the data. It is opened when somebody asks for it: until then no write is captured, since nobody would take it away. */
async function serveOldSide(mapping: Mapping, token: string, { database, log, http }: MovingData): Promise<MovingWrites> {
  const path = `${PATH}${mapping.name}/`
  let opening: Promise<RequestListener> | undefined
  let isOpen = false
  const open = () =>
    (opening ??= sqliteSide({ mapping, side: 'old', database, strayWrites: 'refuse', log }).then(
      (side) => {
        isOpen = true
        return serveSide(side, { token })
      },
      (error: unknown) => {
        opening = undefined
        throw error
      },
    ))
  // Whoever began to move it in an earlier run may own it by now.
  if ((await storedOwnership(mapping.name, database)) !== undefined) await open()
  mount(http, path, { token }, open)
  const owned = ownedWrites(mapping.name, database)
  return { ...ALWAYS_OWNED, assertOwned: async (tx, key) => (isOpen ? owned.assertOwned(tx, key) : 0) }
}

/** The side of whoever is to get the data, and the move itself. */
async function takeOver(
  mapping: Mapping,
  { token, predecessorUrl }: { readonly token: string; readonly predecessorUrl: string },
  { database, diverted, http, logger, onStop }: MovingData,
): Promise<MovingWrites> {
  const sides = {
    old: remoteSide({ url: `${predecessorUrl}${PATH}${mapping.name}/`, token, timeoutMs: ANSWER_TIMEOUT_MS }),
    new: await sqliteSide({ mapping, side: 'new', database }),
  }
  diverted?.through(throughOldSide({ ...sides, waitMs: EVENTS_WAIT_MS }))
  const cutOver = startCutOver({
    mapping,
    ...sides,
    limits: { pollMs: FEED_EVERY_MS },
    onStray: (stray) => logger.error({ stray }, `${mapping.name} was written by who does not own it`),
  })
  onStop('cut-over', () => cutOver.stop())
  mount(http, PATH, { token, open: 'ready' }, async () => serveCutOver(cutOver, { token }))
  return {
    ...ownedWrites(mapping.name, database),
    copied: copiedTo(sides.new),
    seen: async () => void (await cutOver.settled(SEEN_WAIT_MS).catch(() => false)),
  }
}

function copiedTo(side: Side): MovingWrites['copied'] {
  let isCopied = false
  return async (signal) => {
    while (!isCopied) {
      isCopied = (await side.state({})).copy.stage === 'done'
      if (!isCopied) await sleep(systemClock, COPY_LOOK_EVERY_MS, signal)
    }
  }
}

interface Mounting {
  readonly token: string
  /** What is answered without it. */
  readonly open?: string
}

/** Has a listener answer below a path, and read the bodies itself. Without the token it is not asked for, but where it answers `open`. */
function mount(http: HttpServer, path: string, { token, open }: Mounting, listener: () => Promise<RequestListener>): void {
  void http.fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    scope.route({
      method: ['GET', 'POST'],
      url: `${path}*`,
      exposeHeadRoute: false,
      config: { quiet: true },
      async handler({ raw }, reply) {
        const target = (raw.url ?? '').slice(path.length)
        if (target.split('?', 1)[0] !== open && !hasBearerToken(raw.headers.authorization, token)) return reply.code(401).send()
        const answer = await listener()
        raw.url = `/${target}`
        reply.hijack()
        answer(raw, reply.raw)
      },
    })
  })
}
