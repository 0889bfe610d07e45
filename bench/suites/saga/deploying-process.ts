import {
  leaseStoreSchema,
  migrate,
  openPostgresDatabase,
  participantStoreSchema,
  postgresLeaseStore,
  postgresParticipantStore,
  postgresSagaStore,
  sagaStoreSchema,
} from '@seaworthy/postgres'
import { RejectedError, newId } from 'seaworthy/core'
import { type StepContext, orchestrator, participant, saga } from 'seaworthy/saga'
import { CREATE_EFFECTS, LEASE_TTL_MS, REFUSED_EVERY, SAGAS_OPEN_MAX, STEP_MS } from './deploys.ts'

/**
 * One instance of a service under deploys: starts checkouts, and runs what is under way. SIGTERM: begins nothing new, hands back what it has, and exits.
 * Its arguments: the database, and whether its participants heed keys.
 */
const [url = '', keys = 'honoured'] = process.argv.slice(2)
const database = await openPostgresDatabase({ connection: url, transactionsMax: 8 })
await migrate(database, [CREATE_EFFECTS, sagaStoreSchema, participantStoreSchema, leaseStoreSchema])
const taking = participant({
  database,
  store: postgresParticipantStore(database),
  ...(keys === 'ignored' && { unsafe: { idempotencyKeys: 'ignored' } }),
})

const act = async (s: StepContext<number, object>) => {
  const answer = await taking.act(s.key, 'f', async (tx) => {
    await tx.execute({ sql: 'INSERT INTO effects (key) VALUES ($1)', params: [s.key] })
    return s.key
  })
  // The answer is on its way for a while: that is when a process is killed.
  await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  return answer
}
const compensate = (s: StepContext<number, object>) =>
  taking.compensate(s.key, async (tx) => {
    await tx.execute({ sql: 'DELETE FROM effects WHERE key = $1', params: [s.key] })
  })
const checkout = saga<number>('checkout', { version: 1 })
  .step('reserve', { run: act, compensate })
  .parallel('both', {
    money: (branch) => branch.step('charge', { run: act, compensate }),
    mail: (branch) => branch.sleep('a moment', { ms: 20 }).step('announce', { run: act, compensate }),
  })
  .pivot('book', {
    async run(s) {
      if (s.input % REFUSED_EVERY === 0) throw new RejectedError('full', 'No ship has room.')
      return act(s)
    },
  })
  .step('confirm', { run: act, forward: true })

const sagas = orchestrator({
  sagas: [checkout],
  store: postgresSagaStore(database),
  database,
  leases: postgresLeaseStore(database),
  leaseTtlMs: LEASE_TTL_MS,
  resumeSpreadMs: 100,
  onError: () => undefined,
})
await sagas.resume()
process.send?.('ready')

let mayStart = true
process.on('SIGTERM', () => void leave())
// Whoever asks ends it when all is settled.
process.on('message', () => (mayStart = false))
process.on('disconnect', () => process.exit(1))
for (let number = 1; ; number++) {
  if (mayStart && sagas.active < SAGAS_OPEN_MAX) {
    const id = newId()
    await database.transaction((tx) => sagas.start(tx, checkout, { id, input: number })).catch(() => undefined)
  }
  await new Promise((resolve) => setTimeout(resolve, 10))
}

async function leave(): Promise<never> {
  mayStart = false
  await sagas.stop()
  await database.close()
  process.exit(0)
}
