import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { sayLost } from '../judgement.ts'
import { dropSlots } from '../server.ts'
import { backendPid } from '../trial.ts'

const TERMINATE_OTHERS = `SELECT count(pg_terminate_backend(pid))::int AS count FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> ALL ($1::int[])`

export const slotLoss: ConformanceTest = {
  name: 'slot-loss',
  question: 'Does every event arrive when the replication slots are lost, as in a failover or after a restore?',
  method:
    "All sessions of the relay are terminated and the database's replication slots dropped, ten events are committed, then what the product's documentation says to do is done, and ten more are committed.",
  passes: 'All events arrive: those from before, from in between, and from after.',
  timeoutMs: 120_000,
  async run(trial) {
    await trial.relaysAtWork()
    const session = await trial.session()
    const committed: OutboxEvent[] = [...trial.events(10, 5)]
    await trial.commit(committed, session)
    const terminated = await session.query<{ count: number }>(TERMINATE_OTHERS, [[await backendPid(session)]])
    const dropped = await dropSlots(trial.server.administrator, new URL(trial.databaseUrl).pathname.slice(1))
    const between = trial.events(10, 5).map((event) => ({ ...event, number: event.number + 2 }))
    await trial.commit(between, session)
    await trial.adapter.recover?.({ url: trial.databaseUrl })
    const after = trial.events(10, 5).map((event) => ({ ...event, number: event.number + 4 }))
    await trial.commit(after, session)
    committed.push(...between, ...after)
    const missing = await trial.undelivered(committed)
    return finding(
      [sayLost(committed, missing)],
      `30 of 30 arrived; slots dropped: ${dropped.length}, sessions terminated: ${terminated.rows[0]!.count}`,
      { lost: missing, slots: dropped, sessions: terminated.rows[0]!.count },
    )
  },
}
