import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { repeatedEffects } from '../effects.ts'
import { lost, sayLost } from '../judgement.ts'
import type { Trial } from '../trial.ts'

const WINDOW_MS = 1_000
const FORGOTTEN_WITHIN_MS = 15_000

export const redelivery: ConformanceTest = {
  name: 'redelivery',
  question: 'Is a message dropped that comes again after its id was forgotten?',
  method:
    'Five messages of a key are handled, with ids kept for a second. When the inbox no longer knows the first one, or after 15 s, the log delivers it again, and then a sixth.',
  passes: 'The first message has one effect, and the sixth has one.',
  timeoutMs: 90_000,
  async run(trial) {
    const { consumer } = trial.adapter
    if ('doesNotHave' in consumer) return { verdict: 'does-not-have', evidence: consumer.doesNotHave, figures: {} }
    const session = await trial.session()
    await trial.relaysAtWork()
    trial.superviseConsumer({ windowMs: WINDOW_MS })
    const events = trial.events(5, 1, { key: 'redelivered' })
    await trial.commit(events)
    const missing = await trial.undelivered(events)
    const handled = async (wanted: readonly OutboxEvent[]) => lost(wanted, await trial.effects(session)).length === 0
    await trial.must('The five effects', () => handled(events))
    const first = trial.exchange.log.find(({ id }) => id === events[0]!.id)!
    const isForgotten = await forgotten(trial, async () => !(await consumer.remembers(session, first.id)))
    trial.exchange.store([first])
    const sixth = trial.events(6, 1, { key: 'redelivered' }).slice(5)
    await trial.commit(sixth)
    const sentinel = trial.events(1, 1, { key: 'sentinel' })
    await trial.commit(sentinel)
    await trial.comes(() => handled([...sixth, ...sentinel]), 20_000)
    await trial.comes(() => false, 1_500)
    const effects = await trial.effects(session)
    return finding(
      [
        sayLost(events, missing),
        repeatedEffects(effects.filter(({ key }) => key === 'redelivered')),
        lost(sixth, effects).length === 0 ? undefined : 'the sixth message has no effect',
      ],
      isForgotten ? 'dropped, though its id was forgotten' : 'dropped; its id was still known 14 s after the window',
      { idForgotten: isForgotten, effects: effects.length },
    )
  },
}

/** Other messages go by meanwhile: some products clean up when they handle one. */
async function forgotten(trial: Trial, isForgotten: () => Promise<boolean>): Promise<boolean> {
  const endAtMs = performance.now() + FORGOTTEN_WITHIN_MS
  for (let tick = 1; performance.now() < endAtMs; tick++) {
    await trial.commit(trial.events(1, 1, { key: `tick-${tick}` }))
    if (await trial.comes(isForgotten, 500)) return true
  }
  return false
}
