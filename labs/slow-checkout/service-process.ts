/**
 * One service of the lab, as a process: `service-process.ts NAME COLLECTOR_URL DATABASE`. What is to go wrong with its next request comes in a message; it
 * reports what that took, and twice a second how busy its processor was.
 */
import { httpServer, restClient, serve } from '@seaworthy/rpc/rest'
import { startTelemetry } from '@seaworthy/telemetry'
import { sleep, systemClock } from 'seaworthy/core'
import { Letters } from './letters.ts'
import { INVENTORY, ORDERS, PAYMENTS, PRICING, STOREFRONT } from './contract.ts'
import { plantsOf } from './own-plants.ts'
import { type Order, type Report } from './messages.ts'
import { type ServiceName, REPEATED_CALLS } from './plants.ts'
import { Stock } from './stock.ts'

const [name, otlpUrl, database] = process.argv.slice(2) as [ServiceName, string, string]
const report = (message: Report) => void (process.connected && process.send?.(message))
// Whoever started it is gone.
process.once('disconnect', () => process.exit())
startTelemetry({ service: name, instance: `${name}-1`, otlpUrl, logLevel: 'silent' })

const plants = plantsOf(report)
const server = httpServer({ port: 0 })
const DONE = { status: 204 } as const
let urls: Readonly<Record<string, string>> = {}
const clientOf = <Client>(make: (baseUrl: string) => Client, service: string) => {
  let client: Client | undefined
  return () => (client ??= make(urls[service]!))
}

switch (name) {
  case 'storefront': {
    const orders = clientOf((baseUrl) => restClient(ORDERS, { baseUrl }), 'orders')
    serve(server, STOREFRONT, {
      checkout: async () => {
        await plants.atWork()
        await orders().place()
        return DONE
      },
    })
    break
  }
  case 'orders': {
    const letters = await Letters.open(database)
    const pricing = clientOf((baseUrl) => restClient(PRICING, { baseUrl }), 'pricing')
    const inventory = clientOf((baseUrl) => restClient(INVENTORY, { baseUrl }), 'inventory')
    const payments = clientOf((baseUrl) => restClient(PAYMENTS, { baseUrl }), 'payments')
    serve(server, ORDERS, {
      place: async () => {
        await plants.atWork()
        await pricing().quote()
        // One for each product of the basket: it works well with the baskets of tests.
        await plants.fire('n-plus-one', async () => {
          for (let product = 0; product < REPEATED_CALLS; product++) await inventory().stock()
        })
        await inventory().reserve()
        await payments().charge()
        await letters?.send()
        if (letters !== undefined) report({ kind: 'waiting', atMs: systemClock.now() })
        return DONE
      },
    })
    break
  }
  case 'pricing':
    serve(server, PRICING, {
      quote: async () => {
        await plants.atWork()
        return DONE
      },
    })
    break
  case 'inventory': {
    const stock = await Stock.open(database, { isOwner: true })
    plants.occupiesPool((until, onHeld) => stock.occupy(until, onHeld))
    serve(server, INVENTORY, {
      reserve: async () => {
        await plants.atWork()
        plants.tellWaiting()
        const reportMs = plants.take('slow-query')
        const beganMs = performance.now()
        await stock.reserve('tea', reportMs)
        if (reportMs > 0) report({ kind: 'planted', plant: 'slow-query', ms: performance.now() - beganMs })
        return DONE
      },
      stock: async () => {
        await stock.look('coffee')
        return DONE
      },
    })
    break
  }
  case 'payments':
    serve(server, PAYMENTS, {
      charge: async () => {
        await plants.atWork()
        return DONE
      },
    })
    break
  case 'notifications':
    ;(await Letters.open(database))?.work(async (body) => {
      // Of somebody else, and long: it keeps the only place from the letters behind it.
      if (body === 'newsletter') await plants.newsletter()
      else await sleep(systemClock, 2)
    })
    break
}

await server.start()
process.on('message', (order: Order) => {
  if (order.kind === 'urls') urls = order.urls
  else if (order.kind === 'plant') void plants.plant(order.plant)
  else if (order.kind === 'release') plants.release()
})
report({ kind: 'listening', url: server.url })
sample()

function sample(): void {
  const before = process.cpuUsage()
  const sinceMs = performance.now()
  systemClock.timer(500, () => {
    const { user, system } = process.cpuUsage(before)
    report({ kind: 'sample', cpuMs: (user + system) / 1_000, overMs: performance.now() - sinceMs })
    sample()
  })
}
