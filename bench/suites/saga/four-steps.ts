import { migrate, openPostgresDatabase, postgresSagaStore, sagaStoreSchema } from '@seaworthy/postgres'
import { Pool } from 'pg'
import { orchestrator, saga } from 'seaworthy/saga'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'
import { perSecond } from '../messaging/order.ts'

const module = import.meta.url
const STEPS = ['reserve', 'charge', 'book', 'confirm'] as const
const CREATE_STEPS =
  'CREATE TABLE steps (workflow text, step text, result json NOT NULL, at_ms bigint NOT NULL, PRIMARY KEY (workflow, step))'
const INSERT_STEP = 'INSERT INTO steps (workflow, step, result, at_ms) VALUES ($1, $2, $3, $4)'

interface Order {
  readonly orderId: string
  readonly totalCents: number
}

const times = (concurrency: number, { quick }: Effort): number => (quick ? 50 : 500) * (concurrency === 1 ? 1 : 4)
let made = 0
const nextOrder = (): Order => ({ orderId: `order-${process.pid}-${++made}`, totalCents: 4_900 })

async function ours(concurrency: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const database = await openPostgresDatabase({ connection: url, transactionsMax: concurrency })
  await migrate(database, [sagaStoreSchema])
  const answer = async (s: { readonly key: string }) => ({ confirmation: s.key })
  const checkout = saga<Order>('checkout', { version: 1 })
    .step('reserve', { run: answer, compensate: answer })
    .step('charge', { run: answer, compensate: answer })
    .pivot('book', { run: answer })
    .step('confirm', { run: answer, forward: true })
  const sagas = orchestrator({ sagas: [checkout], store: postgresSagaStore(database), database })
  await sagas.resume()
  return () =>
    perSecond(times(concurrency, effort), concurrency, async () => {
      const input = nextOrder()
      await database.pipelined((tx) => sagas.start(tx, checkout, { id: input.orderId, input }))
      const ended = await sagas.settled(input.orderId, { timeoutMs: 30_000 })
      if (ended?.status !== 'completed') throw new Error(`A checkout ended as ${ended?.status}.`)
    })
}

async function bare(concurrency: number, effort: Effort) {
  const server = await startPostgres({ fsync: true })
  const { url } = await server.createDatabase()
  const pool = new Pool({ connectionString: url, max: concurrency })
  await pool.query(CREATE_STEPS)
  return () =>
    perSecond(times(concurrency, effort), concurrency, async () => {
      const { orderId } = nextOrder()
      for (const step of STEPS) {
        const result = JSON.stringify({ confirmation: `${orderId}/${step}` })
        await pool.query({ name: 'step', text: INSERT_STEP, values: [orderId, step, result, Date.now()] })
      }
    })
}

export const oursAlone: Contender = (effort) => ours(1, effort)
export const bareAlone: Contender = (effort) => bare(1, effort)
export const oursTogether: Contender = (effort) => ours(32, effort)
export const bareTogether: Contender = (effort) => bare(32, effort)

const described = {
  unit: 'workflows of four steps per second',
  better: 'higher',
  peer: 'four bare autocommit inserts',
  target: { ratioMin: 0.4 },
  note: 'PostgreSQL with fsync on; the steps call nothing. Ours stores the start, each step before and after it is called, and the end.',
} as const

export const fourStepsMetrics: readonly Metric[] = [
  { name: 'saga-postgres-c1', ...described, contenders: { ours: { module, name: 'oursAlone' }, peer: { module, name: 'bareAlone' } } },
  {
    name: 'saga-postgres-c32',
    ...described,
    contenders: { ours: { module, name: 'oursTogether' }, peer: { module, name: 'bareTogether' } },
  },
]
