import { setTimeout as delay } from 'node:timers/promises'
import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { pagesPerMessage, pagesRead, stopAutovacuum } from '../page-cost.ts'

const RATIO_MAX = 2
/** Idle sessions report what they did after ten seconds. */
const REPORTED_MS = 11_000

export const bloat: ConformanceTest = {
  name: 'bloat',
  question: 'Does a message cost the same after many others, while a snapshot that is held open keeps what they left behind?',
  method:
    'A REPEATABLE READ transaction is opened, as a report or a backup has one, so that no dead row can be removed. Then rounds of messages of 500 keys go through one relay. Counted are the pages that the server looks at for each message in the first round and in the last.',
  passes: `Pages per message in the last round are at most ${RATIO_MAX} times those in the first.`,
  timeoutMs: 240_000,
  async run(trial) {
    await trial.relaysAtWork()
    const [session, snapshot] = [await trial.session(), await trial.session()]
    await stopAutovacuum(session)
    await snapshot.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await snapshot.query('SELECT count(*) FROM conformance_notes')
    const [each, between] = trial.scale === 'quick' ? [150, 1_000] : [500, 3_000]
    const missing: OutboxEvent[] = []
    const round = async (name: string, count: number) => {
      const committed = await trial.write({ writers: 1, each: count, keys: 500, name })
      const undelivered = await trial.undelivered(committed)
      missing.push(...undelivered)
      return committed
    }
    const measured = async (name: string) => {
      const before = await pagesRead(session)
      const committed = await round(name, each)
      await delay(REPORTED_MS)
      return pagesPerMessage(before, await pagesRead(session), committed.length)
    }
    const first = await measured('first')
    const middle = await round('middle', between)
    await delay(REPORTED_MS)
    const last = await measured('last')
    await snapshot.query('COMMIT')
    const figures = `${first.all.toFixed(1)} pages per message at first and ${last.all.toFixed(1)} after ${middle.length.toLocaleString('en')} more, ${(last.all / first.all).toFixed(1)} times`
    return finding([last.all <= RATIO_MAX * first.all ? undefined : figures], figures, {
      first,
      last,
      between: middle.length,
    })
  },
}
