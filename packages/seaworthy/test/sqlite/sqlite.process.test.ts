import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openSqliteDatabase, openSqliteEventLog } from 'seaworthy/sqlite'
import { eventually } from '@seaworthy/testing'
import { testFolder } from './folder.ts'

interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  ready(): Promise<void>
  kill(): Promise<void>
}

function start(t: TestContext, role: string, ...rest: string[]): Child {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=source', fileURLToPath(new URL('child.ts', import.meta.url)), role, ...rest],
    // The channel is the lifeline: it closes when this process dies, however it dies.
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  const lines: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(line))
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await closed
  }
  t.after(kill)
  return {
    process: child,
    lines,
    kill,
    ready: () => eventually(`${role} is ready`, () => lines[0] === 'ready', { withinMs: 20_000 }),
  }
}

test('SIGKILL in the middle of commits loses no acknowledged one, leaves no half of one, and frees the file', async (t) => {
  const path = join(testFolder(t), 'test.db')
  let acknowledged: number[] = []
  for (let round = 0; round < 5; round++) {
    const file = `${path}.${round}`
    const writer = start(t, 'write', file)
    await writer.ready()
    await eventually('it commits', () => writer.lines.length > 200 + 150 * round, { withinMs: 20_000 })
    await writer.kill()
    acknowledged = writer.lines.slice(1).map(Number)
    const database = await openSqliteDatabase({ path: file, ownershipWaitMs: 0 })
    const rows = await database.query<{ id: number; half: number }>({ sql: 'SELECT id, half FROM item' })
    const stored = new Set(rows.map(({ id }) => id))
    assert.deepEqual(
      acknowledged.filter((id) => !stored.has(id)),
      [],
      'an acknowledged commit is lost',
    )
    assert.ok(
      rows.every(({ half }) => half === 2),
      'half a transaction is there',
    )
    assert.deepEqual(await database.query({ sql: 'PRAGMA integrity_check' }), [{ integrity_check: 'ok' }])
    await database.close()
  }
  assert.ok(acknowledged.length >= 200, 'the kill came before there was anything to lose')
})

test('a commit that its process was killed in is there or not, and stays so, also beside a reader', async (t) => {
  const count = (database: DatabaseSync) => database.prepare('SELECT count(*) AS count FROM item').get()!['count']
  for (let round = 0; round < 6; round++) {
    const path = join(testFolder(t), 'test.db')
    const writer = start(t, 'write', path)
    await writer.ready()
    await eventually('it commits', () => writer.lines.length > 10 + round, { withinMs: 20_000 })
    const reader = new DatabaseSync(path, { readOnly: true })
    count(reader)
    await writer.kill()
    const successor = await openSqliteDatabase({ path })
    const [seen] = await successor.query<{ count: number }>({ sql: 'SELECT count(*) AS count FROM item' })
    assert.equal(count(reader), seen!.count)
    await successor.close()
    reader.close()
    // The first to open it again reads the write-ahead log from its start.
    const later = new DatabaseSync(path)
    assert.equal(count(later), seen!.count)
    later.close()
  }
})

test('a second process is told that the file has an owner, and may have it when the owner was killed', async (t) => {
  const path = join(testFolder(t), 'test.db')
  const owner = start(t, 'own', path)
  await owner.ready()
  const refused = start(t, 'try', path, '300')
  await eventually('the second process answered', () => refused.lines.length === 1, { withinMs: 20_000 })
  const { code, message } = JSON.parse(refused.lines[0]!) as { code: string; message: string }
  assert.equal(code, 'database-owned')
  assert.ok(message.includes('test.db') && /one instance/.test(message) && /PostgreSQL/.test(message), message)

  // A restart that overlaps by a moment: the second waits while the first dies.
  const follower = start(t, 'try', path, '20000')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(follower.lines, [])
  await owner.kill()
  await eventually('the second process answered', () => follower.lines.length === 1, { withinMs: 20_000 })
  assert.equal((JSON.parse(follower.lines[0]!) as { code: string }).code, 'opened')
})

test('what one process publishes another one gets, each in order per key, before it would look by itself', async (t) => {
  const directory = testFolder(t)
  // The consumer comes first: it waits for the topic.
  const consumer = start(t, 'consume', directory)
  await consumer.ready()
  const publisher = start(t, 'publish', directory, '5')
  await eventually('200 events arrived', () => consumer.lines.length > 200, { withinMs: 30_000 })
  await publisher.kill()
  await eventually('all that was acknowledged arrived', () => consumer.lines.length >= publisher.lines.length)
  const received = consumer.lines.slice(1).map((line) => JSON.parse(line) as { id: string; atMs: number })
  assert.equal(new Set(received.map(({ id }) => id)).size, received.length, 'an event came twice')
  for (const acknowledged of publisher.lines.slice(1))
    assert.ok(
      received.some(({ id }) => id === acknowledged),
      `${acknowledged} is lost`,
    )
  for (let key = 0; key < 10; key++) {
    const numbers = received.map(({ id }) => Number(id.slice(1))).filter((number) => number % 10 === key)
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
  }
  // Without the bell the reader would look every 250 ms: some 50 events at a time, at four moments in a second.
  const moments = new Set(received.map(({ atMs }) => Math.floor(atMs / 20)))
  assert.ok(moments.size > received.length / 10, `${received.length} events came at ${moments.size} moments`)
})

test('SIGKILL of publisher and consumer loses no event and skips none; the next ones go on where they were', async (t) => {
  const directory = testFolder(t)
  const seen: string[] = []
  const published: string[] = []
  for (let round = 0; round < 3; round++) {
    const publisher = start(t, 'publish', directory)
    await publisher.ready()
    const consumer = start(t, 'consume', directory)
    await eventually('events arrive', () => consumer.lines.length > 100, { withinMs: 20_000 })
    await Promise.all([publisher.kill(), consumer.kill()])
    published.push(...publisher.lines.slice(1))
    seen.push(...consumer.lines.slice(1).map((line) => (JSON.parse(line) as { id: string }).id))
  }
  // The owners are gone: their file is read where they left it.
  const log = await openSqliteEventLog({ directory })
  t.after(() => log.close())
  const [status] = await log.topics()
  assert.ok(status!.records >= published.length, 'an acknowledged event is lost')
  const last = await log.reader({ topics: ['orders'], group: 'consumer' })
  for (;;) {
    const records = await last.poll({ max: 1_000, waitMs: 0 })
    if (records.length === 0) break
    seen.push(...records.map((record) => record.event.id))
    await last.commit(records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })))
  }
  assert.equal(await last.lag(), 0)
  const count = (ids: readonly string[]) => {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
    return counts
  }
  const seenOf = count(seen)
  for (const [id, times] of count(published))
    assert.ok((seenOf.get(id) ?? 0) >= times, `${id} was published ${times} times and seen ${seenOf.get(id) ?? 0}`)
})

test('who is kept waiting by another process is told which one that is', async (t) => {
  const path = join(testFolder(t), 'held.sqlite')
  const database = await openSqliteDatabase({ path, busyTimeoutMs: 50 })
  t.after(() => database.close())
  await database.transaction(async (tx) => void (await tx.execute({ sql: 'CREATE TABLE t (n INTEGER) STRICT' })))
  const holder = start(t, 'hold', path)
  await holder.ready()
  const waiting = database.transaction(async (tx) => void (await tx.execute({ sql: 'INSERT INTO t VALUES (1)' })))
  const named = process.platform === 'linux' ? new RegExp(`process ${holder.process.pid} \\(.*child\\.ts hold`) : /Find what holds it/
  await assert.rejects(waiting, (error: Error) => {
    assert.equal((error as { code?: unknown }).code, 'database-busy')
    assert.match(error.message, named)
    return true
  })
  await holder.kill()
  await database.transaction(async (tx) => void (await tx.execute({ sql: 'INSERT INTO t VALUES (1)' })))
})
