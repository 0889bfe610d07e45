import { type ConformanceTest, finding } from '../conformance-test.ts'
import { outOfOrderEffects, repeatedEffects } from '../effects.ts'
import { lost, sayLost } from '../judgement.ts'

/** A fifth of the time that a handler has, so that being held up does not count as a failed attempt. */
const HELD_MS = 400
const COUNT_WAITING =
  "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

export const twoConnections: ConformanceTest = {
  name: 'two-connections',
  question: 'Is a message handled once that two consumers get at the same moment?',
  method:
    'Two processes of one consumer read the same messages of one key from the same offset, as after a rebalance. The table of effects is locked until both wait in their transactions, or for 0.4 s.',
  passes: 'Each message has one effect, in the order of the key.',
  timeoutMs: 90_000,
  async run(trial) {
    const { consumer } = trial.adapter
    if ('doesNotHave' in consumer) return { verdict: 'does-not-have', evidence: consumer.doesNotHave, figures: {} }
    const { exchange } = trial
    const events = trial.events(20)
    await trial.commit(events)
    const relay = await trial.startRelay()
    const missing = await trial.undelivered(events)
    await relay.kill()
    exchange.forgetsOffsets = true
    exchange.isReadable = false
    const consumers = [trial.startConsumer(), trial.startConsumer()]
    await trial.must('Both consumers', () => exchange.readers.size === 2)
    const session = await trial.session()
    await session.query('BEGIN')
    await session.query('LOCK TABLE conformance_effects IN SHARE MODE')
    exchange.open()
    const watch = await trial.session()
    const collided = await trial.comes(async () => (await watch.query<{ waiting: number }>(COUNT_WAITING)).rows[0]!.waiting >= 2, HELD_MS)
    await session.query('COMMIT')
    const done = async () => {
      const effects = await trial.effects(session)
      return lost(events, effects).length === 0 && consumers.every(({ instance }) => exchange.committed(instance) >= exchange.log.length)
    }
    await trial.comes(done, 30_000)
    // For what comes late, such as a second handling.
    await trial.comes(() => false, 1_000)
    const effects = await trial.effects(session)
    const bothRead = consumers.every(({ instance }) => exchange.committed(instance) > 0)
    return finding(
      [
        sayLost(events, missing),
        bothRead ? undefined : 'one of the consumers got nothing',
        lost(events, effects).length === 0 ? undefined : `${lost(events, effects).length} of 20 messages have no effect`,
        repeatedEffects(effects),
        outOfOrderEffects(effects),
      ],
      `20 messages, 20 effects; ${collided ? 'both were in a transaction at one time' : 'the second did not wait for the first'}`,
      { effects: effects.length, collided },
    )
  },
}
