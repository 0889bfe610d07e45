import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataDirectoryPaths } from '@seaworthy/supervisor'
import { type Random, type Timer, sleep, systemClock } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import { openSqliteDatabase, openSqliteEventLog } from 'seaworthy/sqlite'
import { CONSUMERS, type ConsumerName, ORDERS_TOPIC } from './order.ts'
import { type Kill, ProcessUnderFire, type Start } from './under-fire.ts'

export type Way = 'naive' | 'outbox'

/** An order that a customer asked for. Whoever gets no answer goes elsewhere, and asks no more. */
interface Asked {
  readonly orderId: string
  readonly atMs: number
  readonly tookMs: number
  readonly outcome: 'taken' | 'no answer'
}

/** A record of the event log. */
interface Published {
  readonly eventId: string
  readonly orderId: string
  readonly appendedAtMs: number
}

/** An event that a consumer was given. */
interface Delivered {
  readonly consumer: ConsumerName
  readonly eventId: string
  readonly orderId: string
  readonly atMs: number
}

interface Parcel {
  readonly consumer: ConsumerName
  readonly orderId: string
  readonly eventId: string
}

/** All that happened, as files, databases and log tell it afterwards. */
export interface History {
  readonly way: Way
  readonly asked: readonly Asked[]
  /** Starts and kills of the service that takes orders, and of the one that ships them. */
  readonly orders: { readonly starts: readonly Start[]; readonly kills: readonly Kill[] }
  readonly shipping: { readonly starts: readonly Start[]; readonly kills: readonly Kill[] }
  /** Orders in the database. */
  readonly stored: readonly string[]
  readonly published: readonly Published[]
  readonly delivered: readonly Delivered[]
  readonly parcels: readonly Parcel[]
}

export interface HistoryOptions {
  readonly way: Way
  /** Emptied first; the databases and the log stay in it. */
  readonly folder: string
  /** Orders that are asked for. */
  readonly orders: number
  /** Draws the moments of the kills. */
  readonly random: Random
  /** Where processes keep what they compiled, so that those after a kill start sooner. */
  readonly cacheDir: string
  readonly signal: AbortSignal
}

const CUSTOMERS = 4
/** On average one kill for so many orders. */
const ORDERS_PER_KILL = { orders: 12, shipping: 40 }
/** A kill comes at most so long after the order that it was drawn for began: time for a few orders. */
const KILL_DELAY_MAX_MS = 12
const LOOK_EVERY_MS = 25

/** Asks for orders while both services are killed at random, waits until everything that can arrive has, and reads what there is. */
export async function makeHistory({ way, folder, orders: count, random, cacheDir, signal }: HistoryOptions): Promise<History> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // As a supervisor lays it out, so that one can be started on it afterwards.
  const paths = dataDirectoryPaths(folder)
  const underFire = (service: 'orders' | 'shipping') => {
    const dataDir = join(paths.services, service)
    mkdirSync(dataDir, { recursive: true })
    const env = {
      ...process.env,
      SEAWORTHY_DATA_DIR: dataDir,
      SEAWORTHY_LOG_DIR: paths.eventLog,
      LAB_WAY: way,
      NODE_COMPILE_CACHE: cacheDir,
    }
    return new ProcessUnderFire({ file: new URL(`${service}-process.ts`, import.meta.url), env })
  }
  const orders = underFire('orders')
  const shipping = underFire('shipping')
  const asked: Asked[] = []
  const timers: Timer[] = []
  try {
    await Promise.all([orders.up(), shipping.up()])
    const fire = [firing(orders, ORDERS_PER_KILL.orders, random), firing(shipping, ORDERS_PER_KILL.shipping, random)]
    let next = 0
    const customer = async () => {
      while (next < count) {
        const orderId = `order-${String(++next).padStart(String(count).length, '0')}`
        const { port = 0 } = await orders.up()
        for (const begun of fire) timers.push(...begun())
        asked.push(await ask(port, orderId, signal))
      }
    }
    await Promise.all(Array.from({ length: CUSTOMERS }, customer))
    for (const timer of timers) timer.cancel()
    await settled({ orders, shipping, folder, signal })
  } finally {
    for (const timer of timers) timer.cancel()
    await Promise.all([orders.stop(), shipping.stop()])
  }
  return { way, asked, orders, shipping, ...(await readBack(folder)) }
}

/** A function to be called for each order that begins: now and then it draws a kill. */
function firing(target: ProcessUnderFire, every: number, random: Random): () => Timer[] {
  const distance = () => 1 + Math.floor(random.float() * 2 * every)
  let left = distance()
  return () => {
    if (--left > 0) return []
    left = distance()
    return [systemClock.timer(random.float() * KILL_DELAY_MAX_MS, () => target.kill())]
  }
}

async function ask(port: number, orderId: string, signal: AbortSignal): Promise<Asked> {
  const atMs = systemClock.now()
  const startedMs = systemClock.monotonicMs()
  const over = (outcome: Asked['outcome']): Asked => ({ orderId, atMs, tookMs: systemClock.monotonicMs() - startedMs, outcome })
  try {
    const response = await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', body: JSON.stringify({ orderId }), signal })
    await response.text()
    return over(response.ok ? 'taken' : 'no answer')
  } catch {
    signal.throwIfAborted()
    return over('no answer')
  }
}

/** Settles when the outbox is empty and both consumers have handled what is in the log. */
async function settled(of: { orders: ProcessUnderFire; shipping: ProcessUnderFire; folder: string; signal: AbortSignal }): Promise<void> {
  const { port = 0 } = await of.orders.up()
  await of.shipping.up()
  const log = await openSqliteEventLog({ directory: dataDirectoryPaths(of.folder).eventLog })
  try {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { signal: of.signal })
      const { messages } = (await response.json()) as { messages: number }
      if (messages === 0 && (await hasBeenRead(log))) return
      await sleep(systemClock, LOOK_EVERY_MS, of.signal)
    }
  } finally {
    await log.close()
  }
}

async function hasBeenRead(log: EventLog): Promise<boolean> {
  const topic = (await log.topics()).find(({ topic: name }) => name === ORDERS_TOPIC)
  return topic?.records === 0 || CONSUMERS.every((name) => topic?.groups.find(({ group }) => group === name)?.lag === 0)
}

async function readBack(folder: string): Promise<Pick<History, 'stored' | 'published' | 'delivered' | 'parcels'>> {
  const { services } = dataDirectoryPaths(folder)
  const query = async <Row extends object>(service: string, sql: string): Promise<readonly Row[]> => {
    const database = await openSqliteDatabase({ path: join(services, service, `${service}.db`) })
    try {
      return await database.query<Row>({ sql })
    } finally {
      await database.close()
    }
  }
  const stored = await query<{ orderId: string }>('orders', 'SELECT order_id AS orderId FROM orders ORDER BY order_id')
  return {
    stored: stored.map(({ orderId }) => orderId),
    published: await readLog(folder),
    delivered: readLines(join(services, 'shipping', 'deliveries.jsonl')),
    parcels: await query('shipping', 'SELECT packed_by AS consumer, order_id AS orderId, event_id AS eventId FROM parcels ORDER BY rowid'),
  }
}

async function readLog(folder: string): Promise<readonly Published[]> {
  const log = await openSqliteEventLog({ directory: dataDirectoryPaths(folder).eventLog, offsetsDirectory: join(folder, 'evidence') })
  const published: Published[] = []
  try {
    const reader = await log.reader({ topics: [ORDERS_TOPIC], group: 'evidence' })
    for (;;) {
      const records = await reader.poll({ max: 500, waitMs: 0 })
      if (records.length === 0) return published.toSorted((one, other) => one.appendedAtMs - other.appendedAtMs)
      published.push(...records.map(({ event, appendedAtMs }) => ({ eventId: event.id, orderId: event.key, appendedAtMs })))
    }
  } finally {
    await log.close()
  }
}

function readLines<Line>(path: string): readonly Line[] {
  // Opened so that it is there: nothing may have been delivered.
  return readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** Leaves what was read as JSON lines, beside the databases and the log. */
export function writeEvidence({ asked, orders, shipping, stored, published, delivered, parcels }: History, folder: string): void {
  const write = (name: string, lines: readonly object[]) =>
    writeFileSync(join(folder, `${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const of = (service: string, entries: readonly object[]) => entries.map((entry) => ({ service, ...entry }))
  write('requests', asked)
  write('starts', [...of('orders', orders.starts), ...of('shipping', shipping.starts)])
  write('kills', [...of('orders', orders.kills), ...of('shipping', shipping.kills)])
  write(
    'orders',
    stored.map((orderId) => ({ orderId })),
  )
  write('events', published)
  write('deliveries', delivered)
  write('effects', parcels)
}
