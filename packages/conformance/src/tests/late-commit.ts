import type { Client } from 'pg'
import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { ghosts, lost, sayLost } from '../judgement.ts'
import type { Trial } from '../trial.ts'

/** A relay that waits for the earlier transaction shows nothing in this time, and may. */
const SHOWN_MS = 2_500

export const lateCommit: ConformanceTest = {
  name: 'late-commit',
  question: 'Does an event arrive whose transaction commits after that of a later event was read?',
  method:
    'Two transactions: the first adds, the second adds and commits, its event arrives, the first commits; with transaction ids in the order of the adds and against it, three times each, and one that rolls back. Then eight writers at one time.',
  passes: 'Every committed event arrives, and none of the transaction that rolled back.',
  timeoutMs: 150_000,
  async run(trial) {
    await trial.relaysAtWork()
    const early = await trial.session()
    const late = await trial.session()
    const committed: OutboxEvent[] = []
    for (let round = 1; round <= (trial.scale === 'quick' ? 1 : 3); round++) {
      committed.push(...(await overtaken(trial, { round, early, late, order: 'of the adds' })))
      committed.push(...(await overtaken(trial, { round, early, late, order: 'reversed' })))
    }
    const rolledBack = trial.events(1, 1, { key: 'rolled-back' })
    await early.query('BEGIN')
    await trial.application.add(early, rolledBack)
    await early.query('ROLLBACK')
    const interleaved = committed.length
    const quick = trial.scale === 'quick'
    committed.push(...(await trial.write({ writers: 8, each: quick ? 10 : 40, keys: 80, name: 'written' })))
    const missing = await trial.undelivered(committed)
    const uncommitted = ghosts([...committed, ...trial.warmUps], trial.exchange.log)
    return finding(
      [sayLost(committed, missing), uncommitted.length === 0 ? undefined : `${uncommitted.length} arrived that were not committed`],
      `${committed.length} of ${committed.length} arrived`,
      {
        committed: committed.length,
        interleaved,
        lost: missing,
        lostInterleaved: missing.filter((event) => committed.indexOf(event) < interleaved).length,
      },
    )
  },
}

interface Overtaking {
  readonly round: number
  /** Commits first. */
  readonly early: Client
  readonly late: Client
  /** Of the transaction ids. */
  readonly order: 'of the adds' | 'reversed'
}

async function overtaken(trial: Trial, { round, early, late, order }: Overtaking): Promise<readonly OutboxEvent[]> {
  const [first] = trial.events(1, 1, { key: `late-${order}-${round}` })
  const [second] = trial.events(1, 1, { key: `early-${order}-${round}` })
  const begin = async (client: Client) => {
    await client.query('BEGIN')
    await client.query("INSERT INTO conformance_notes VALUES ('takes a transaction id')")
  }
  for (const client of order === 'reversed' ? [early, late] : [late, early]) await begin(client)
  await trial.application.add(late, [first!])
  await trial.application.add(early, [second!])
  await early.query('COMMIT')
  await trial.comes(() => lost([second!], trial.exchange.log).length === 0, SHOWN_MS)
  await late.query('COMMIT')
  return [first!, second!]
}
