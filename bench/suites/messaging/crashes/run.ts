import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leaseStoreSchema, migrate, openPostgresDatabase, outboxStoreSchema, postgresOutboxStore } from '@seaworthy/postgres'
import { seededRandom } from 'seaworthy/core'
import { startPostgres } from '../../../../test/servers/embedded-postgres.ts'
import { openHandler } from './handler.ts'
import type { Batch, Confirmation, Ready } from './wire.ts'

const CREATE_PLACED = 'CREATE TABLE placed (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, events integer NOT NULL)'
const SELECT_PLACED = 'SELECT coalesce(sum(events), 0)::int AS placed FROM placed'
const SELECT_NUMBERED = 'SELECT key, last FROM seaworthy_outbox_sequences'
const WRITERS = 8
const RELAYS = 4
const KILL_EVERY_MS = 2_000
const KILLS_MIN = 3
const LOOK_EVERY_MS = 250
const BATCH_WITHIN_MS = 2_000
const DRAINED_WITHIN_MS = 120_000

/** What is left when everything that was committed should have been handled. */
export interface CrashOutcome {
  readonly committed: number
  readonly kills: number
  /** Messages of committed transactions without an effect. */
  readonly lost: number
  readonly regressed: number
  /** Messages that came more than once to the handler's door. */
  readonly sentAgain: number
}

/**
 * Writers commit and relays send, each a process, and every two seconds one of them is killed and started again, until at least so many messages are committed. Then the writers
 * are ended in the same way, and what is committed in the database is held against the effects.
 */
export async function crashRun({ messages, seed }: { readonly messages: number; readonly seed: number }): Promise<CrashOutcome> {
  const server = await startPostgres({ settings: { max_connections: '200' } })
  const { url } = await server.createDatabase()
  const database = await openPostgresDatabase({ connection: url })
  await migrate(database, [{ component: 'placed', versions: [CREATE_PLACED] }, outboxStoreSchema, leaseStoreSchema])
  const store = postgresOutboxStore(database)
  const handler = await openHandler()
  const random = seededRandom(seed)

  const startWriter = () => start('writer-main.ts', [url, String(Math.floor(random.float() * 1e9))])
  const startOneRelay = () => {
    const relay = start('relay-main.ts', [url])
    relay.child.on('message', (message: Batch | Ready) => {
      if (!('events' in message)) return
      const confirmation: Confirmation = { number: message.number }
      // Handled whether or not its sender still lives: what is on its way when a process is killed arrives.
      void handler.receive(message.events).then(() => relay.child.connected && relay.child.send(confirmation, () => undefined))
    })
    return relay
  }
  const processes = [...Array.from({ length: WRITERS }, () => startWriter()), ...Array.from({ length: RELAYS }, () => startOneRelay())]
  const isWriter = (place: number) => place < WRITERS
  const placed = async () => (await database.query<{ placed: number }>({ sql: SELECT_PLACED }))[0]!.placed

  try {
    await Promise.all(processes.map(({ ready }) => ready))
    let kills = 0
    for (let killAtMs = performance.now() + KILL_EVERY_MS; kills < KILLS_MIN || (await placed()) < messages; await pause(LOOK_EVERY_MS)) {
      if (performance.now() < killAtMs) continue
      killAtMs += KILL_EVERY_MS
      kills++
      // Each second time a relay: they are fewer, and it is they who can send again.
      const place = kills % 2 === 0 ? Math.floor(random.float() * WRITERS) : WRITERS + Math.floor(random.float() * RELAYS)
      // On a slow machine later than planned: who is not at work yet has nothing to lose.
      await processes[place]!.ready
      if (!isWriter(place)) await nextBatch(processes[place]!.child)
      await killed(processes[place]!)
      processes[place] = isWriter(place) ? startWriter() : startOneRelay()
    }
    await Promise.all(processes.filter((_, place) => isWriter(place)).map((writer) => killed(writer)))
    const committed = await placed()
    const deadlineMs = performance.now() + DRAINED_WITHIN_MS
    while ((await store.backlog()).messages > 0 && performance.now() < deadlineMs) await pause(LOOK_EVERY_MS)

    const { handled, regressed } = await handler.effects()
    const numbered = await database.query<{ key: string; last: number }>({ sql: SELECT_NUMBERED })
    const given = numbered.reduce((sum, { last }) => sum + last, 0)
    const missing = numbered.reduce((sum, { key, last }) => sum + last - (handled.get(key) ?? 0), 0)
    const effects = [...handled.values()].reduce((sum, count) => sum + count, 0)
    // Numbers that were given and whose transaction is not there, or the reverse, are lost too: the two must be one.
    return { committed, kills, lost: missing + Math.abs(given - committed), regressed, sentAgain: handler.received() - effects - regressed }
  } finally {
    await Promise.all(processes.map((child) => killed(child)))
    await handler.close()
    await database.close()
    await server.stop()
  }
}

interface Started {
  readonly child: ChildProcess
  /** It is at work. */
  readonly ready: Promise<unknown>
}

function start(file: string, args: readonly string[]): Started {
  const child = fork(new URL(file, import.meta.url), [...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Most of what a start takes: each is one of many.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'seaworthy-bench-compile-cache') },
  })
  return { child, ready: Promise.race([once(child, 'message'), once(child, 'exit')]) }
}

/** A relay is killed when a batch of it has arrived and is not confirmed, if one does within a while: then it is sent again. */
async function nextBatch(relay: ChildProcess): Promise<void> {
  await once(relay, 'message', { signal: AbortSignal.timeout(BATCH_WITHIN_MS) }).catch(() => undefined)
}

async function killed({ child }: Started): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
