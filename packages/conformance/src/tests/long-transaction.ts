import { type ConformanceTest, finding } from '../conformance-test.ts'
import { lost, sayLost } from '../judgement.ts'

const PATIENCE_MS = 10_000

export const longTransaction: ConformanceTest = {
  name: 'long-transaction',
  question: 'Do events arrive while a transaction that has nothing to do with them stays open?',
  method:
    'A session writes a row and stays in its transaction, and so does one in another database of the server. Then twenty events are committed, which get ten seconds. After that both transactions end.',
  passes: 'All twenty arrive while both transactions are open.',
  timeoutMs: 90_000,
  async run(trial) {
    await trial.relaysAtWork()
    const { administrator } = trial.server
    const idle = await trial.session()
    const events = trial.events(20, 5)
    await idle.query('BEGIN')
    await idle.query("INSERT INTO conformance_notes VALUES ('stays open')")
    await administrator.query('BEGIN')
    let heldUp: number
    try {
      await administrator.query('SELECT pg_current_xact_id()')
      await trial.commit(events)
      await trial.comes(() => lost(events, trial.exchange.log).length === 0, PATIENCE_MS)
      heldUp = lost(events, trial.exchange.log).length
    } finally {
      await administrator.query('ROLLBACK')
      await idle.query('ROLLBACK')
    }
    const missing = await trial.undelivered(events)
    return finding(
      [
        heldUp === 0 ? undefined : `${heldUp} of 20 events held up for as long as the transactions were open, ${PATIENCE_MS / 1000} s`,
        sayLost(events, missing),
      ],
      '20 of 20 arrived beside two open transactions',
      { heldUp, lost: missing },
    )
  },
}
