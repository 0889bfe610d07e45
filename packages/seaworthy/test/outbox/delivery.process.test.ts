import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from 'seaworthy/core'
import { committed, effects, openListener, openLog, openPublisher, promised } from './shop.ts'

const TOTAL = 1_500
const KILLS = 4

interface Child {
  readonly process: ChildProcess
  /** Settles with `done`, or with `killed` when it died first. */
  readonly end: Promise<'done' | 'killed'>
  readonly ready: Promise<void>
}

function start(t: TestContext, role: 'publish' | 'listen', folder: string): Child {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--conditions=source',
      fileURLToPath(new URL('child.ts', import.meta.url)),
      role,
      folder,
      String(TOTAL),
    ],
    // The channel is the lifeline: it closes when this process dies, however it dies.
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  const ready = Promise.withResolvers<void>()
  const end = Promise.withResolvers<'done' | 'killed'>()
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line === 'ready') ready.resolve()
    if (line === 'done') end.resolve('done')
  })
  child.once('close', () => {
    ready.resolve()
    end.resolve('killed')
  })
  t.after(() => kill(child))
  return { process: child, end: end.promise, ready: ready.promise }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Starts the role again and again, and kills it at random moments, until it was killed often enough; then lets it finish. */
async function runUnderKills(t: TestContext, role: 'publish' | 'listen', folder: string, random: () => number): Promise<number> {
  let kills = 0
  for (;;) {
    const child = start(t, role, folder)
    await child.ready
    if (kills === KILLS) {
      assert.equal(await child.end, 'done')
      await kill(child.process)
      return kills
    }
    await new Promise((resolve) => setTimeout(resolve, random() * 120))
    await kill(child.process)
    kills++
  }
}

test('publisher and listener are killed at random: every commit has its effect once, in order', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seaworthy-kill-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const random = seededRandom(11)
  await Promise.all([runUnderKills(t, 'publish', folder, () => random.float()), runUnderKills(t, 'listen', folder, () => random.float())])
  const publisher = await openPublisher(folder)
  const listener = await openListener(folder, { concurrencyMax: 1 })
  const log = await openLog(folder, [])
  try {
    const counters = await committed(publisher.database)
    assert.equal(
      Object.values(counters).reduce((sum, n) => sum + n, 0),
      TOTAL,
    )
    assert.deepEqual(await effects(listener.database), promised(counters))
    assert.deepEqual(await listener.store.deadLetters('listener', { max: 10 }), [])
    const [topic] = await log.topics()
    t.diagnostic(`${topic!.records - TOTAL} of ${TOTAL} events were sent twice`)
  } finally {
    await log.close()
    await publisher.database.close()
    await listener.database.close()
  }
})
