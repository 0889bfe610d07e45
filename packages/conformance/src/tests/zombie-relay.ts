import { type ConformanceTest, finding } from '../conformance-test.ts'
import { lost, sayLost, staleSends } from '../judgement.ts'
import { outOfOrderEffects, repeatedEffects } from '../effects.ts'

const TAKE_OVER_MS = 30_000
const STALE_MS = 4_000

export const zombieRelay: ConformanceTest = {
  name: 'zombie-relay',
  question: 'Does a relay do harm that was stopped with events in hand and wakes after another has sent them?',
  method:
    'The answer with the events is held on its way to the first relay, and the relay is stopped (SIGSTOP). A second one takes over, and later events of the keys are committed and sent. Then the first is continued and its answer let through. Judged by the effects behind the inbox; without an inbox, by what the broker got.',
  passes:
    'Nothing is lost. Behind an inbox each effect is there once and in order; without one, the first relay sends nothing that is older than what the second sent of the key.',
  timeoutMs: 120_000,
  async run(trial) {
    const { exchange } = trial
    const [zombie] = await trial.relaysAtWork()
    const hasInbox = !('doesNotHave' in trial.adapter.consumer)
    const events = trial.events(30, 3)
    const early = events.slice(0, 15)
    let inHand = false
    void zombie!.gate.holdAnswersFrom(early[0]!.key).then(() => (inHand = true))
    await trial.commit(early)
    await trial.must('The claim of the first relay', () => inHand)
    zombie!.pause()
    await trial.startRelay()
    await trial.commit(events.slice(15))
    const takenOver = await trial.comes(() => lost(events, exchange.log).length === 0, TAKE_OVER_MS)
    const calls = exchange.publications.get(zombie!.instance) ?? 0
    zombie!.gate.release()
    zombie!.resume()
    await trial.comes(() => (exchange.publications.get(zombie!.instance) ?? 0) > calls, STALE_MS)
    const sent = (exchange.publications.get(zombie!.instance) ?? 0) - calls
    const missing = await trial.undelivered(events)
    const stale = staleSends(events, exchange.log)
    const how = takenOver
      ? `${stale.length} stale messages sent by the zombie`
      : `nobody took over within ${TAKE_OVER_MS / 1000} s, and it went on where it was`
    const figures = { takenOver, zombieCalls: sent, stale, lost: missing }
    if (!hasInbox) {
      const [first] = stale
      return finding(
        [
          sayLost(events, missing),
          first && `${how}, without an inbox to drop them: the first is number ${first.number} of ${first.key}, after ${first.after}`,
        ],
        how,
        figures,
      )
    }
    trial.superviseConsumer()
    const session = await trial.session()
    const everything = new Set(exchange.log.map(({ id }) => id)).size
    await trial.must(
      'The effects',
      async () => (await trial.effects(session)).length >= everything && exchange.committed() >= exchange.log.length,
    )
    const effects = await trial.effects(session)
    return finding(
      [sayLost(events, missing), repeatedEffects(effects), outOfOrderEffects(effects)],
      `${how}; ${effects.length} effects behind the inbox, each once and in order`,
      { ...figures, effects: effects.length },
    )
  },
}
