import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer, Questions } from '@seaworthy/supervisor/management'
import { type CallContext, newId, rootContext, systemClock } from 'seaworthy/core'
import { lifecycle, type Service } from 'seaworthy/system'
import { monolith } from '../monolith/composition.ts'
import { ALWAYS_OWNED } from '../platform/always-owned.ts'
import { embeddedDatabase, embeddedEventLog, embeddedQueue } from '../platform/engines/embedded.ts'
import type { DatabaseOptions } from '../platform/engines/engines.ts'
import { PARTS, type ServiceDatabase } from '../platform/engines/stores.ts'
import { startParts } from '../platform/service-parts.ts'
import type { ServiceComposition } from '../platform/service-ports.ts'
import { readSwitches } from '../platform/switches.ts'
import { analytics } from '../services/analytics/composition.ts'
import { catalog } from '../services/catalog/composition.ts'
import { customers } from '../services/customers/composition.ts'
import { inventory } from '../services/inventory/composition.ts'
import { folderMailbox } from '../services/notifications/adapters/mailbox.ts'
import { notifications } from '../services/notifications/composition.ts'
import { orderHistory } from '../services/order-history/composition.ts'
import { orders } from '../services/orders/composition.ts'
import { payments } from '../services/payments/composition.ts'
import { reviews } from '../services/reviews/composition.ts'
import { shipping } from '../services/shipping/composition.ts'
import { stageOf } from '../stages/stages.ts'
import { systemAt } from '../system.ts'
import { connectionsOver, type Served, servingInto } from './simulation/wires.ts'

export interface WholeShopOptions {
  /** For databases that are files, queues, letters, and the event log. */
  readonly folder: string
  readonly stage: number
  /** Default: a file in the service's folder. */
  readonly openDatabase?: (service: Service, options: DatabaseOptions) => Promise<ServiceDatabase>
}

/** Every service of the shop that keeps something, in this process: real engines, contracts and policies, and no wires. */
export interface WholeShop extends AsyncDisposable {
  /** Requests an operation of a service, or of who stands in for it. */
  request<Reply>(service: string, operation: string, request: object, call?: CallContext): Promise<Reply>
  /** As the supervisor would ask; undefined where the service has nothing to say about it. */
  ask<Name extends keyof Questions>(
    service: string,
    question: Name,
    parameters: Questions[Name]['parameters'],
  ): Promise<Questions[Name]['answer'] | undefined>
  readonly services: readonly string[]
}

type Answers = Record<string, Answer>

export async function startWholeShop({ folder, stage: number, openDatabase }: WholeShopOptions): Promise<WholeShop> {
  const stage = stageOf(number)
  const { standIns } = systemAt(stage)
  const life = lifecycle({ onStopError: (part, error) => console.error(part, error) })
  const served = new Map<string, Served>()
  const answers = new Map<string, Answers>()
  const request = async <Reply>(service: string, operation: string, message: unknown, call: CallContext = rootContext()) =>
    (await served.get(standIns[service] ?? service)![operation]!(message as never, call)) as Reply

  const start = async ({ service, schema, stores: more = [], wire }: ServiceComposition) => {
    const own = join(folder, service.name)
    mkdirSync(own, { recursive: true })
    const { signal } = life
    const options = { schema, stores: [...PARTS, ...more], signal }
    const { database, stores, scrub, openQueue } = await (openDatabase?.(service, options) ??
      embeddedDatabase(service, { folder: own, instance: service.name }, options))
    life.add(`${service.name} database`, () => database.close())
    const log = await embeddedEventLog(service, join(folder, 'log'), signal)
    life.add(`${service.name} log`, () => log.close())
    const onStop = (name: string, stop: () => Promise<void> | void) => life.add(`${service.name} ${name}`, stop)
    const logger = { info: () => undefined, warn: () => undefined, error: console.error, fatal: console.error }
    const switches = readSwitches({})
    const operations: Served = {}
    const ownAnswers: Answers = {}
    served.set(service.name, operations)
    answers.set(service.name, ownAnswers)
    await wire({
      ...startParts({
        service,
        database,
        stores,
        log,
        switches,
        clock: systemClock,
        logger,
        onStop,
        onRelay: () => undefined,
        onConsumer: () => undefined,
      }),
      switches,
      seeding: async () => undefined,
      logger,
      clock: systemClock,
      newId,
      owned: () => ALWAYS_OWNED,
      sharing: undefined,
      stopping: signal,
      folder: own,
      database,
      stores,
      scrub,
      async openQueue(name, queueOptions) {
        const queue = await (openQueue?.(name, queueOptions) ?? embeddedQueue(own, name, queueOptions))
        onStop(`queue ${name}`, () => queue.close())
        return queue
      },
      connections: connectionsOver({ call: request } as never, service, standIns),
      ...servingInto(operations),
      servePages: () => undefined,
      showProjection: () => () => undefined,
      answerSupervisor: (more) => void Object.assign(ownAnswers, more),
      onStop,
    })
  }

  const moved = { catalog, reviews, customers }
  const compositions = [
    ...(stage.kept.length > 0 ? [monolith(stage.kept)] : []),
    ...stage.moved.map((module) => moved[module]),
    inventory,
    payments(),
    shipping,
    orders,
    notifications((own) => folderMailbox(join(own, 'sent-mail'))),
    analytics,
    orderHistory(),
  ]
  try {
    for (const composition of compositions) await start(composition)
  } catch (error) {
    await life.stop('it cannot start')
    throw error
  }
  return {
    request,
    ask: async (service, question, parameters) => answers.get(service)![question]?.(parameters as never, 'a test') as never,
    services: compositions.map(({ service }) => service.name),
    [Symbol.asyncDispose]: () => life.stop('the test is over'),
  }
}
