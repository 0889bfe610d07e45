import { setTimeout as delay } from 'node:timers/promises'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { lost, sayLost } from '../judgement.ts'
import { backendPid } from '../trial.ts'

const COUNT = 10
/** For a relay that reads the log ahead of the table to do what it does. */
const HELD_MS = 3_000
const LATER_MS = 10_000
const COUNT_WAITING =
  "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep' AND pid = ANY ($1::int[])"

export const walBeforeVisible: ConformanceTest = {
  name: 'wal-before-visible',
  question: 'Does an event arrive whose commit reached the write-ahead log before it became visible?',
  method:
    'The server is given a synchronous standby that never answers. Ten transactions commit: their commits are in the log, which logical decoding reads, but wait to become visible. After three seconds the standby is taken away, and ten more are committed.',
  passes: 'All twenty arrive.',
  timeoutMs: 120_000,
  async run(trial) {
    await trial.relaysAtWork()
    const { administrator } = trial.server
    const events = trial.events(COUNT, COUNT)
    const sessions = await Promise.all(events.map(() => trial.session()))
    const pids = await Promise.all(sessions.map((session) => backendPid(session)))
    const watch = await trial.session()
    let early: number
    let commits: Promise<unknown>
    try {
      await administrator.query("ALTER SYSTEM SET synchronous_standby_names = 'conformance_nobody'")
      await administrator.query('SELECT pg_reload_conf()')
      await trial.must('The synchronous standby', async () => {
        const answer = await administrator.query<{ synchronous_standby_names: string }>('SHOW synchronous_standby_names')
        return answer.rows[0]!.synchronous_standby_names !== ''
      })
      // A session takes up the new setting with its next command at the latest.
      await delay(200)
      // Added one after another, so that nothing but the commits is at one time.
      for (const [index, session] of sessions.entries()) {
        await session.query('BEGIN')
        await trial.application.add(session, [events[index]!])
      }
      commits = Promise.all(sessions.map((session) => session.query('COMMIT')))
      commits.catch(() => undefined)
      await trial.must('Ten commits that wait for the standby', async () => {
        const answer = await watch.query<{ waiting: number }>(COUNT_WAITING, [pids])
        return answer.rows[0]!.waiting === COUNT
      })
      await delay(HELD_MS)
      early = COUNT - lost(events, trial.exchange.log).length
    } finally {
      await administrator.query('ALTER SYSTEM RESET synchronous_standby_names')
      await administrator.query('SELECT pg_reload_conf()')
    }
    await commits
    // Life goes on: what a relay acknowledges of these, it acknowledges of all before them.
    const later = trial.events(COUNT, COUNT, {}).map((event) => ({ ...event, number: 2 }))
    await trial.commit(later)
    await trial.comes(() => lost(later, trial.exchange.log).length === 0, LATER_MS)
    const missing = await trial.undelivered([...events, ...later])
    return finding(
      [sayLost([...events, ...later], missing)],
      `${2 * COUNT} of ${2 * COUNT} arrived, the held ones once they were visible${early > 0 ? `, ${early} of them before` : ''}`,
      {
        lost: missing,
        arrivedBeforeVisible: early,
      },
    )
  },
}
