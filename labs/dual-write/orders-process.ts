import { type IncomingMessage, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { answerSupervisor, messageManagement } from '@seaworthy/supervisor/management'
import { startRelay } from 'seaworthy/outbox'
import { migrate, openSqliteDatabase, openSqliteEventLog, outboxStoreSchema, sqliteOutboxStore } from 'seaworthy/sqlite'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { type Order, ORDERS_SCHEMA, ORDERS_TOPIC, shown } from './order.ts'
import { type PlaceOrder, withOutbox, writeThenPublish } from './place-order.ts'
import { ready } from './under-fire.ts'

/**
 * The service that takes orders, as a process of its own. Its database is real, its log is real, and whoever started it may kill it at any moment. It
 * is told by its environment where to work, as a supervisor tells it, and by `LAB_WAY` how: `naive`, or with an outbox.
 */
const { SEAWORTHY_DATA_DIR: folder = '', SEAWORTHY_LOG_DIR: logDir = '', SEAWORTHY_HTTP_PORT: httpPort = '0', LAB_WAY: way } = process.env

const life = lifecycle()
onTerminationSignals((reason) => life.stop(reason))
const database = await openSqliteDatabase({ path: join(folder, 'orders.db') })
life.add('database', () => database.close())
await migrate(database, [ORDERS_SCHEMA, outboxStoreSchema])
const log = await openSqliteEventLog({ directory: logDir, owns: [ORDERS_TOPIC] })
life.add('event log', () => log.close())

const store = sqliteOutboxStore(database)
// What the process before this one had stored and not yet told of: with the outbox it is still there.
const { messages: waiting } = await store.backlog()
const management = messageManagement({ log, publishes: [ORDERS_TOPIC], consumes: [], redacted: shown })
const placeOrder = wire()
life.add('management', answerSupervisor(management.answers))

const server = createServer((request, response) => {
  handle(request).then(
    (body) => response.end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})
server.listen(Number(httpPort), '127.0.0.1', () => ready({ port: (server.address() as AddressInfo).port, waiting }))
life.add('intake', () => server.closeAllConnections())
life.ready()

function wire(): PlaceOrder {
  if (way === 'naive') return writeThenPublish({ database, log })
  const relay = startRelay({ store, log })
  management.addRelay(relay)
  life.add('relay', () => relay.stop())
  return withOutbox({ database, store })
}

async function handle(request: IncomingMessage): Promise<unknown> {
  // Its readiness too: it listens once it can take orders.
  if (request.method === 'GET') return store.backlog()
  await placeOrder(JSON.parse(await text(request)) as Order)
  return {}
}
