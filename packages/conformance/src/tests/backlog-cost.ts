import type { Client } from 'pg'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { type Pages, pagesPerMessage, pagesRead, sessionsOf, stopAutovacuum } from '../page-cost.ts'
import type { Trial } from '../trial.ts'

const KEYS = 5_000
const ADD_AT_ONCE = 500
const RATIO_MAX = 2

export const backlogCost: ConformanceTest = {
  name: 'backlog-cost',
  question: 'Does the next message cost the same when many wait as when few do?',
  method:
    'A relay sends its first messages from a backlog of 1,000, and then from one of 50,000 over 5,000 keys, after a VACUUM ANALYZE. Counted are the pages of tables and indexes that the server looks at for each, which is the same on any machine.',
  passes: `Pages per message at the large backlog are at most ${RATIO_MAX} times those at the small one.`,
  timeoutMs: 240_000,
  async run(trial) {
    const session = await trial.session()
    await stopAutovacuum(session)
    const large = trial.scale === 'quick' ? 10_000 : 50_000
    const few = await costAt(trial, { session, add: 1_000 })
    const many = await costAt(trial, { session, add: large - few.left })
    const ratio = many.pages.all / few.pages.all
    const figures = `${few.pages.all.toFixed(1)} pages per message at 1,000 and ${many.pages.all.toFixed(1)} at ${large.toLocaleString('en')}, ${ratio.toFixed(1)} times (${few.msPerMessage.toFixed(2)} and ${many.msPerMessage.toFixed(2)} ms)`
    return finding([ratio <= RATIO_MAX ? undefined : figures], figures, { few, many, ratio })
  },
}

interface Cost {
  readonly sent: number
  readonly left: number
  readonly pages: { readonly all: number; readonly byTable: Pages }
  /** Says as much about the machine as about the product, and is not judged. */
  readonly msPerMessage: number
}

async function costAt(trial: Trial, { session, add }: { session: Client; add: number }): Promise<Cost> {
  const { exchange } = trial
  const messages = 300
  const existing = await sessionsOf(session)
  const ended = async () => [...(await sessionsOf(session))].every((pid) => existing.has(pid))
  const writer = await trial.session()
  const events = trial.events(add, KEYS).map((event) => ({ ...event, key: `${add}-${event.key}` }))
  for (let from = 0; from < add; from += ADD_AT_ONCE) {
    await writer.query('BEGIN')
    await trial.application.add(writer, events.slice(from, from + ADD_AT_ONCE))
    await writer.query('COMMIT')
  }
  await writer.end()
  await session.query('VACUUM (ANALYZE)')
  await trial.must('The end of the writer', ended)
  const before = await pagesRead(session)
  const from = exchange.log.length
  const times: number[] = []
  exchange.treat = () => {
    if (exchange.log.length - from >= messages) return 'silence'
    times.push(performance.now())
    return 'store-and-confirm'
  }
  const relay = await trial.startRelay()
  await trial.must(`${messages} messages`, () => exchange.log.length - from >= messages, 60_000)
  const msTaken = times.at(-1)! - times[0]!
  // What it does about the messages that it was told are stored belongs to them.
  await trial.comes(() => false, 500)
  await relay.kill()
  await trial.must('The end of the relay', ended)
  const sent = exchange.log.length - from
  exchange.treat = () => 'store-and-confirm'
  return { sent, left: add - sent, pages: pagesPerMessage(before, await pagesRead(session), sent), msPerMessage: msTaken / sent }
}
