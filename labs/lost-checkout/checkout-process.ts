import { join } from 'node:path'
import { migrate, openSqliteDatabase, sagaStoreSchema } from 'seaworthy/sqlite'
import { handWritten } from './hand-written.ts'
import { CREATE_ORDERS, type Way } from './orders.ts'
import { type Fault, Payments } from './payments.ts'
import { withSaga } from './with-saga.ts'

/** One life of the worker: goes on with what is unfinished, then checks out the orders that are still to come. It may be killed on the way, and is started again. */
const [way, fault, folder, orders] = process.argv.slice(2) as [Way, Fault, string, string]
const payments = await Payments.open(join(folder, 'payments.db'), fault)
const database = await openSqliteDatabase({ path: join(folder, 'orders.db') })
await migrate(database, [{ component: 'orders', versions: [CREATE_ORDERS] }, sagaStoreSchema])
const checkouts =
  way === 'saga' ? withSaga(database, payments) : handWritten(database, payments, { cautious: fault === 'refund-overtakes' })

const known = await database.query<{ id: string; status: string }>({ sql: 'SELECT id, status FROM orders' })
await checkouts.recover(known.filter(({ status }) => status === 'charging').map(({ id }) => id))
for (let number = known.length + 1; number <= Number(orders); number++) {
  const id = `order-${number}`
  await database.atomically([{ sql: "INSERT INTO orders (id, status) VALUES (?, 'charging')", params: [id] }])
  await checkouts.checkOut(id)
}
await payments.deliverLate()
process.exit(0)
