/**
 * One service of the lab, as a process: `service.ts NAME`, forked by shop.ts. Its stage and the addresses of the others come in a
 * message; it reports ten times a second how many requests it has in flight, and how many came so far.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rootContext, sleep, systemClock, withContext } from 'seaworthy/core'
import { readContext } from 'seaworthy/http'
import { bulkhead, guardedFetch, policy } from 'seaworthy/resilience'
import { INVENTORY, policyFor, type ServiceName, SERVICES, type Stage, STOREFRONT } from './stages.ts'

/** What a service is told. */
export type Order =
  | { readonly kind: 'begin'; readonly stage: Stage; readonly pace: number; readonly urls: Readonly<Record<ServiceName, string>> }
  | { readonly kind: 'hold'; readonly holdMs: number }

/** What a service tells. */
export type Report =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'sample'; readonly atMs: number; readonly inFlight: number; readonly arrived: number }

const SAMPLE_EVERY_MS = 100
const QUICK_MS = 5

if (process.send !== undefined) serve(process.argv[2] as ServiceName)

function serve(name: ServiceName): void {
  const report = (message: Report) => process.connected && process.send?.(message)
  // Whoever started it is gone.
  process.once('disconnect', () => process.exit())

  let begun: { stage: Stage; pace: number; get: (service: ServiceName, path: string) => Promise<void> } | undefined
  let holdMs: number = INVENTORY.wellMs
  process.on('message', (order: Order) => {
    if (order.kind === 'hold') holdMs = order.holdMs
    else begun = { ...order, get: caller(order) }
  })

  const template = Buffer.alloc(name === 'storefront' ? STOREFRONT.pageKiB * 1_024 : 0, 'page ')
  // The connections of its database, say: the rest of its requests wait, and are worked on though nobody waits for them any more.
  const workers = bulkhead({ concurrencyMax: INVENTORY.workers, queueMax: 1_000_000 }, { name: 'workers' })
  const handlers: Record<ServiceName, (path: string) => Promise<unknown>> = {
    storefront: async (path) => {
      // The state of a page in the making: what a request holds for as long as it waits.
      const page = template.toString('latin1')
      await begun!.get(path === '/product' ? 'reviews' : 'orders', '/')
      return page.length
    },
    orders: async () => {
      await begun!.get('inventory', '/')
      await begun!.get('payments', '/')
    },
    inventory: () => workers.run(() => sleep(systemClock, holdMs), rootContext()),
    reviews: () => sleep(systemClock, QUICK_MS * begun!.pace),
    payments: () => sleep(systemClock, QUICK_MS * begun!.pace),
  }

  let inFlight = 0
  let arrived = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    inFlight++
    arrived++
    const { retriedByCaller, ...context } = readContext((header) => request.headers[header]?.toString())
    const isRetriedAbove = begun?.stage.isHopAware === true && retriedByCaller === true
    try {
      await withContext({ ...context, ...(isRetriedAbove && { retriedByCaller }) }, () => handlers[name](request.url!))
      response.end('{}')
    } catch {
      response.writeHead(503).end()
    } finally {
      inFlight--
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1', () => {
    report({ kind: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    const sample = () => {
      report({ kind: 'sample', atMs: systemClock.now(), inFlight, arrived })
      systemClock.timer(SAMPLE_EVERY_MS, sample)
    }
    sample()
  })
}

/** Calls other services the way of the stage: with one policy a receiver. */
function caller({ stage, pace, urls }: Order & { readonly kind: 'begin' }) {
  const fetches = new Map(
    SERVICES.map((service) => {
      const declaration = policyFor(service, stage, pace)
      return [service, declaration === undefined ? fetch : guardedFetch(policy(declaration, { name: service }))] as const
    }),
  )
  return async (service: ServiceName, path: string): Promise<void> => {
    const response = await fetches.get(service)!(`${urls[service]}${path}`)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${service} answered ${response.status}`)
  }
}
