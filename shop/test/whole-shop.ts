import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer, Questions } from '@seaworthy/supervisor/management'
import { type CallContext, newId, rootContext, systemClock } from 'seaworthy/core'
import { lifecycle, type Service } from 'seaworthy/system'
import { monolith } from '../monolith/composition.ts'
import { enginesOf } from '../platform/engines/engines.ts'
import { openGround } from '../platform/service-ground.ts'
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
import { UNATTENDED, UNWATCHED } from './unattended.ts'

export interface WholeShopOptions {
  /** For databases that are files, queues, letters, and the event log. */
  readonly folder: string
  readonly stage: number
  /** The database of a service on a server. Default: a file in its folder. */
  readonly postgres?: (service: Service) => Promise<string>
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

export async function startWholeShop({ folder, stage: number, postgres }: WholeShopOptions): Promise<WholeShop> {
  const stage = stageOf(number)
  const { standIns } = systemAt(stage)
  const life = lifecycle({ onStopError: (part, error) => console.error(part, error) })
  const served = new Map<string, Served>()
  const answers = new Map<string, Answers>()
  const request = async <Reply>(service: string, operation: string, message: unknown, call: CallContext = rootContext()) =>
    (await served.get(standIns[service] ?? service)![operation]!(message as never, call)) as Reply

  const start = async (composition: ServiceComposition) => {
    const { service, wire } = composition
    const own = join(folder, service.name)
    mkdirSync(own, { recursive: true })
    const addresses = { postgres: await postgres?.(service), kafka: undefined, rabbitmq: undefined, prefix: 'shop' }
    const engines = enginesOf(service, { instance: service.name, dataDir: own, logDir: join(folder, 'log'), engines: addresses })
    const onStop = (name: string, stop: () => Promise<void> | void) => life.add(`${service.name} ${name}`, stop)
    const { log, leases: _, ...ground } = await openGround(composition, { engines, owns: service.publishes, signal: life.signal, onStop })
    const logger = { info: () => undefined, warn: () => undefined, error: console.error, fatal: console.error }
    const switches = readSwitches({})
    const operations: Served = {}
    const ownAnswers: Answers = {}
    served.set(service.name, operations)
    answers.set(service.name, ownAnswers)
    await wire({
      ...startParts({
        service,
        ...ground,
        log,
        switches,
        clock: systemClock,
        logger,
        onStop,
        ...UNWATCHED,
      }),
      ...UNATTENDED,
      ...ground,
      switches,
      logger,
      clock: systemClock,
      newId,
      stopping: life.signal,
      folder: own,
      connections: connectionsOver({ call: request } as never, service, standIns),
      ...servingInto(operations),
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
