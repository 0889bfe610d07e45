import { openPostgresDatabase, postgresLeaseStore, postgresOutboxStore } from '@seaworthy/postgres'
import type { EventEnvelope } from 'seaworthy/messaging'
import { startRelay } from 'seaworthy/outbox'
import { sinkLog } from '../sending.ts'
import type { Batch, Confirmation, Ready } from './wire.ts'

// One of several relays of an outbox, which sends to the process that started it, until it is killed.
const LEASE_MS = 5_000
const [url = ''] = process.argv.slice(2)
process.once('disconnect', () => process.exit())

const unconfirmed = new Map<number, () => void>()
let sent = 0
process.on('message', ({ number }: Confirmation) => {
  unconfirmed.get(number)?.()
  unconfirmed.delete(number)
})
const append = (events: readonly EventEnvelope[]) =>
  new Promise<void>((resolve) => {
    const batch: Batch = { number: ++sent, events }
    unconfirmed.set(batch.number, resolve)
    process.send?.(batch)
  })

const database = await openPostgresDatabase({ connection: url })
const store = postgresOutboxStore(database, { shared: { leases: postgresLeaseStore(database), ttlMs: LEASE_MS } })
startRelay({ store, log: sinkLog(append), batchSizeMax: 500, pollMs: 200 })
process.send?.({ ready: true } satisfies Ready)
