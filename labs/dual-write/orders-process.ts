import { type IncomingMessage, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startRelay } from 'seaworthy/outbox'
import { migrate, openSqliteDatabase, openSqliteEventLog, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { type Order, ORDERS_SCHEMA, ORDERS_TOPIC } from './order.ts'
import { type PlaceOrder, withOutbox, writeThenPublish } from './place-order.ts'
import { ready } from './under-fire.ts'

/**
 * The service that takes orders, as a process of its own: `orders-process.ts naive|outbox FOLDER`. Its database is real, its log is real, and whoever
 * started it may kill it at any moment.
 */
const [way = '', folder = ''] = process.argv.slice(2)

const life = lifecycle()
onTerminationSignals((reason) => life.stop(reason))
const database = await openSqliteDatabase({ path: join(folder, 'orders.db') })
life.add('database', () => database.close())
await migrate(database, [ORDERS_SCHEMA, outboxStoreSchema])
const log = await openSqliteEventLog({ directory: join(folder, 'event-log'), owns: [ORDERS_TOPIC] })
life.add('event log', () => log.close())

const store = sqliteOutboxStore(database)
// What the process before this one had stored and not yet told of: with the outbox it is still there.
const { messages: waiting } = await store.backlog()
const placeOrder = wire()

const server = createServer((request, response) => {
  handle(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})
server.listen(0, '127.0.0.1', () => ready({ port: (server.address() as AddressInfo).port, waiting }))
life.add('intake', () => server.closeAllConnections())
life.ready()

function wire(): PlaceOrder {
  if (way === 'naive') return writeThenPublish({ database, log })
  const relay = startRelay({ store, log })
  life.add('relay', () => relay.stop())
  return withOutbox({ database, store })
}

async function handle(request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return store.backlog()
  await placeOrder(JSON.parse(await text(request)) as Order)
  return {}
}
