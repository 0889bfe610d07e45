import { setTimeout as delay } from 'node:timers/promises'
import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { duplicates, inversions, sayInversions, sayLost } from '../judgement.ts'
import type { RelayProcess, Trial } from '../trial.ts'

const MOMENTS = ['claim', 'publish', 'confirm', 'mark'] as const
type Moment = (typeof MOMENTS)[number]
/** For the relay to send its mark, which is held up on the way. */
const MARKING_MS = 300

export const kill: ConformanceTest = {
  name: 'kill',
  question: 'Does every event arrive when the relay is killed in the middle of its work?',
  method:
    'SIGKILL at four moments, each found from outside: claim, the answer with the events is on its way from the database and does not arrive; publish, the broker was called and has stored nothing; confirm, it has stored and not answered; mark, it has answered, and what the relay then writes does not reach the database. A new relay is started after each, and later events of the keys are committed.',
  passes: 'No event is lost, and each key is in order; that events come twice is allowed.',
  timeoutMs: 240_000,
  async run(trial) {
    const outcomes = []
    for (const moment of MOMENTS) {
      const [relay] = await trial.relaysAtWork()
      const events = trial.events(15, 3).map((event) => ({ ...event, key: `${moment}-${event.key}` }))
      await killAt(trial, { relay: relay!, moment, events: events.slice(0, 12) })
      await trial.startRelay()
      // By these it is seen that the next one has come as far.
      await trial.commit(events.slice(12))
      const missing = await trial.undelivered(events)
      const mine = trial.exchange.log.filter(({ key }) => key.startsWith(moment))
      outcomes.push({ moment, events, missing, found: inversions(events, mine), again: duplicates(mine).length })
      await trial.killRelays()
    }
    return finding(
      outcomes.flatMap(({ moment, events, missing, found }) =>
        [sayLost(events, missing), sayInversions(events.length, found)].map((said) => said && `at ${moment}: ${said}`),
      ),
      `15 of 15 after each of four kills; came again: ${outcomes.map(({ moment, again }) => `${again} (${moment})`).join(', ')}`,
      Object.fromEntries(
        outcomes.map(({ moment, missing, found, again }) => [moment, { lost: missing, inversions: found, duplicates: again }]),
      ),
    )
  },
}

interface Killing {
  readonly relay: RelayProcess
  readonly moment: Moment
  readonly events: readonly OutboxEvent[]
}

/** @throws NotPutError when the moment does not come */
async function killAt(trial: Trial, { relay, moment, events }: Killing): Promise<void> {
  const { exchange } = trial
  let reached = false
  if (moment === 'claim') {
    void relay.gate.holdAnswersFrom(events[0]!.key).then(() => (reached = true))
  } else {
    exchange.treat = ({ instance, messages, store }) => {
      if (reached || instance !== relay.instance || !messages.some(({ key }) => key.startsWith(moment))) return 'store-and-confirm'
      reached = true
      if (moment === 'publish') return 'silence'
      store()
      if (moment === 'confirm') return 'silence'
      relay.gate.hold('requests')
      return 'confirm'
    }
  }
  await trial.commit(events)
  await trial.must(`The moment of the ${moment}`, () => reached)
  if (moment === 'mark') await delay(MARKING_MS)
  await relay.kill()
  exchange.treat = () => 'store-and-confirm'
}
