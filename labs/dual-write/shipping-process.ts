import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { answerSupervisor, messageManagement } from '@seaworthy/supervisor/management'
import type { Transaction } from 'seaworthy/core'
import { type EventEnvelope, type MessageHandler, handlers, on, startConsumer } from 'seaworthy/messaging'
import { inbox } from 'seaworthy/outbox'
import {
  consumerStoreSchema,
  inboxStoreSchema,
  migrate,
  openSqliteDatabase,
  openSqliteEventLog,
  sqliteConsumerStore,
  sqliteInboxStore,
} from 'seaworthy/sqlite'
import { lifecycle, onTerminationSignals } from 'seaworthy/system'
import { CONSUMERS, type ConsumerName, ORDERS_TOPIC, SHIPPING_SCHEMA, orderPlaced, shown } from './order.ts'
import { ready } from './under-fire.ts'

/** The service that ships orders, as a process of its own. It does so twice over, once with an inbox and once without. */
const { SEAWORTHY_DATA_DIR: folder = '', SEAWORTHY_LOG_DIR: logDir = '', SEAWORTHY_HTTP_PORT: httpPort = '0' } = process.env

const life = lifecycle()
onTerminationSignals((reason) => life.stop(reason))
const database = await openSqliteDatabase({ path: join(folder, 'shipping.db') })
life.add('database', () => database.close())
await migrate(database, [SHIPPING_SCHEMA, inboxStoreSchema, consumerStoreSchema])
const log = await openSqliteEventLog({ directory: logDir })
life.add('event log', () => log.close())
const remembered = inbox({ store: sqliteInboxStore(database), database, consumer: 'with-inbox' })
const store = sqliteConsumerStore(database)
const management = messageManagement({ log, publishes: [], consumes: [ORDERS_TOPIC], redacted: shown })

for (const name of CONSUMERS) {
  const pack = packing(name)
  const handler: MessageHandler = name === 'with-inbox' ? remembered.handle(pack) : (event) => database.transaction((tx) => pack(event, tx))
  const consumer = await startConsumer({
    log,
    group: name,
    topics: [ORDERS_TOPIC],
    handler: noted(name, handler),
    store,
    onPoison: 'park-key',
  })
  life.add(name, () => consumer.stop())
  management.addConsumer({ consumer, store, name })
}
life.add('management', answerSupervisor(management.answers))
// It takes no requests; whoever supervises it asks whether it is ready.
const server = createServer((_, response) => response.end())
server.listen(Number(httpPort), '127.0.0.1', () => ready({}))
life.add('health', () => server.closeAllConnections())
life.ready()

/** The effect: a parcel, in the handler's own transaction. */
function packing(name: ConsumerName): (event: EventEnvelope, tx: Transaction) => Promise<void> {
  const pack = on(orderPlaced, async ({ id, data }, tx: Transaction) => {
    await tx.execute({ sql: 'INSERT INTO parcels (packed_by, order_id, event_id) VALUES (?, ?, ?)', params: [name, data.orderId, id] })
  })
  return handlers([pack], { others: 'dead-letter' })
}

/** Writes down each delivery before it is handled, so that no kill can hide one. */
function noted(name: ConsumerName, handler: MessageHandler): MessageHandler {
  return (event, attempt) => {
    const line = { consumer: name, eventId: event.id, orderId: event.key, atMs: Date.now(), pid: process.pid }
    appendFileSync(join(folder, 'deliveries.jsonl'), `${JSON.stringify(line)}\n`)
    return handler(event, attempt)
  }
}
