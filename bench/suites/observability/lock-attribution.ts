import { subscribe } from 'node:diagnostics_channel'
import { openPostgresDatabase } from '@seaworthy/postgres'
import { startTelemetry } from '@seaworthy/telemetry'
import { observed } from 'seaworthy/core'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender, Effort, Metric } from '../../harness/suite.ts'

const module = import.meta.url
const CREATE = 'CREATE TABLE thing (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0)'
const FILL = 'INSERT INTO thing SELECT generate_series(1, 64)'
const TOUCH = 'UPDATE thing SET touched = touched + 1 WHERE id = $1'
const READ = 'SELECT touched FROM thing WHERE id = $1'
const REQUESTS = { quick: 200, full: 4_000 }
const CONCURRENCY = 8
const requests = observed('bench.request')

/** Requests of one transaction each, two statements in it, all recorded. Nobody waits for anybody for long. */
async function healthy(lockAttribution: false | undefined) {
  const server = await startPostgres()
  const { url } = await server.createDatabase()
  startTelemetry({ service: 'orders', instance: 'orders-1', logLevel: 'silent' })
  const database = await openPostgresDatabase({ connection: url, ...(lockAttribution === false && { lockAttribution }) })
  await database.transaction((tx) => tx.script(`${CREATE}; ${FILL}`))
  const request = (id: number) =>
    requests.run(
      () => ({ name: 'request', kind: 'server', attributes: {} }),
      () =>
        database.transaction(async (tx) => {
          await tx.query({ sql: READ, params: [id] })
          await tx.execute({ sql: TOUCH, params: [id] })
        }),
    )
  return async (calls: number) => {
    let left = calls
    const work = async (worker: number) => {
      while (left-- > 0) await request(worker + 1)
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, (_, worker) => work(worker)))
  }
}

async function measuring(lockAttribution: false | undefined, { quick }: Effort) {
  const loop = await healthy(lockAttribution)
  await loop(REQUESTS.quick)
  return () => cpuNsPerCall(loop, quick ? REQUESTS.quick : REQUESTS.full)
}

export const attributing: Contender = (effort) => measuring(undefined, effort)
export const notAttributing: Contender = (effort) => measuring(false, effort)

/** Looks at the server's locks in one round of healthy requests. */
export const looking: Contender = async ({ quick }) => {
  const loop = await healthy(undefined)
  let looks = 0
  subscribe('seaworthy:locks.looked', () => void looks++)
  return async () => {
    looks = 0
    await loop(quick ? REQUESTS.quick : REQUESTS.full)
    return looks
  }
}
export const lookingNever: Contender = async () => async () => 0

export const lockAttributionMetrics: readonly Metric[] = [
  {
    name: 'lock-attribution-cpu',
    unit: 'CPU ns per request',
    better: 'lower',
    peer: 'the same requests, lockAttribution: false',
    target: { ratioMax: 1.02 },
    note: 'A recorded request with a transaction of two statements. CPU of the service; PostgreSQL’s own is not counted.',
    rounds: 9,
    contenders: { ours: { module, name: 'attributing' }, peer: { module, name: 'notAttributing' } },
  },
  {
    name: 'probes-when-healthy',
    unit: 'looks at the locks in 4,000 requests',
    better: 'lower',
    peer: 'none',
    target: { oursMax: 0 },
    note: 'A machine that stands still for 40 ms makes statements late without a lock, and is looked at.',
    rounds: 5,
    contenders: { ours: { module, name: 'looking' }, peer: { module, name: 'lookingNever' } },
  },
]
