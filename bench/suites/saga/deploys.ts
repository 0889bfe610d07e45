import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Client } from 'pg'
import { startPostgres } from '../../../test/servers/embedded-postgres.ts'
import type { Contender, Metric } from '../../harness/suite.ts'

const module = import.meta.url
export const LEASE_TTL_MS = 2_000
export const STEP_MS = 15
export const SAGAS_OPEN_MAX = 20
/** A checkout that is turned back, with all that it did. */
export const REFUSED_EVERY = 7
export const CREATE_EFFECTS = { component: 'effects', versions: ['CREATE TABLE effects (key text NOT NULL)'] }

const INSTANCES = 2
const SETTLED_WITHIN_MS = 60_000
const UNSETTLED = `SELECT count(*)::int AS n FROM seaworthy_sagas WHERE status NOT IN ('completed', 'compensated')`
// Of each checkout five effects, or none.
const WRONG = `SELECT count(*)::int AS n FROM (
    SELECT s.id FROM seaworthy_sagas s LEFT JOIN effects e ON e.key LIKE s.id || '/%'
    GROUP BY s.id, s.status HAVING count(e.key) <> CASE s.status WHEN 'completed' THEN 5 ELSE 0 END) AS wrong`
const TWICE = 'SELECT count(*)::int AS n FROM (SELECT key FROM effects GROUP BY key HAVING count(*) > 1) AS twice'

async function start(url: string, keys: string): Promise<ChildProcess> {
  const file = new URL('deploying-process.ts', import.meta.url)
  const instance = fork(file, [url, keys], { execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'] })
  await once(instance, 'message')
  return instance
}

async function end(instance: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exited = once(instance, 'exit')
  instance.kill(signal)
  await exited
}

/** Twenty times a new instance takes the place of an old one, which is stopped or killed by turns, in the middle of its sagas. */
async function deploy(keys: string, { quick }: { quick: boolean }): Promise<() => Promise<number>> {
  const server = await startPostgres()
  return async () => {
    const { url } = await server.createDatabase()
    const instances: ChildProcess[] = []
    for (let index = 0; index < INSTANCES; index++) instances.push(await start(url, keys))
    for (let restart = 0; restart < (quick ? 4 : 20); restart++) {
      instances.push(await start(url, keys))
      await end(instances.shift()!, restart % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
    }
    const client = new Client({ connectionString: url })
    await client.connect()
    const count = async (sql: string) => (await client.query<{ n: number }>(sql)).rows[0]!.n
    // The last ones are killed too, so that one that starts nothing finds all that is left.
    for (const instance of instances.splice(1)) await end(instance, 'SIGKILL')
    const [last] = instances
    last?.send('start no more')
    const untilMs = performance.now() + SETTLED_WITHIN_MS
    while ((await count(UNSETTLED)) > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 100))
    const [stranded, wrong, twice] = [await count(UNSETTLED), await count(WRONG), await count(TWICE)]
    const checkouts = await count('SELECT count(*)::int AS n FROM seaworthy_sagas')
    if (checkouts === 0) throw new Error('No saga was under way: nothing was put to the test.')
    if (last !== undefined) await end(last, 'SIGTERM')
    await client.end()
    return stranded + wrong + twice
  }
}

export const honoured: Contender = (effort) => deploy('honoured', effort)
export const ignored: Contender = (effort) => deploy('ignored', effort)

export const deploysMetrics: readonly Metric[] = [
  {
    name: 'deploys',
    unit: 'sagas stranded, half done, or with an effect twice, in 20 rolling restarts',
    better: 'lower',
    peer: 'the same with participants that heed no keys',
    // Of forty restarts each: more of them only find what the simulation finds sooner.
    rounds: 3,
    target: { oursMax: 0 },
    note: 'Two instances on one PostgreSQL; every second one is killed by SIGKILL, in the middle of its sagas.',
    contenders: { ours: { module, name: 'honoured' }, peer: { module, name: 'ignored' } },
  },
]
