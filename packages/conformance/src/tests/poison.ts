import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { repeatedEffects } from '../effects.ts'
import { lost, sayLost } from '../judgement.ts'
import { LIMITS } from '../trial.ts'

const SHAPES = ['throws', 'hangs', 'kills'] as const
const PATIENCE_MS = 45_000

export const poison: ConformanceTest = {
  name: 'poison',
  question: 'Does work go on beside a message whose handler throws, hangs, or kills the process?',
  method: `Three such messages, each between healthy ones of other keys. A message has ${LIMITS.attemptsMax} attempts of ${LIMITS.handlerTimeoutMs / 1000} s; the consumer is started again whenever it dies.`,
  passes: 'Every healthy message has one effect, and each of the three is set aside where a person finds it.',
  timeoutMs: 120_000,
  async run(trial) {
    const { consumer } = trial.adapter
    if ('doesNotHave' in consumer) return { verdict: 'does-not-have', evidence: consumer.doesNotHave, figures: {} }
    const session = await trial.session()
    await trial.relaysAtWork()
    const healthy = trial.events(12, 6)
    const poisoned = SHAPES.map((shape): OutboxEvent => ({ ...trial.events(1)[0]!, key: shape, poison: shape }))
    const all = [0, 1, 2, 3].flatMap((part) => [...healthy.slice(part * 3, part * 3 + 3), ...poisoned.slice(part, part + 1)])
    await trial.commit(all)
    const missing = await trial.undelivered(all)
    const supervised = trial.superviseConsumer()
    let aside: ReadonlySet<string> = new Set()
    let effects: Awaited<ReturnType<typeof trial.effects>> = []
    const isSettled = async () => {
      aside = new Set(await consumer.setAside(session))
      effects = await trial.effects(session)
      return lost(healthy, effects).length === 0 && poisoned.every(({ id }) => aside.has(id))
    }
    await trial.comes(isSettled, PATIENCE_MS)
    const unhandled = lost(healthy, effects)
    const notAside = poisoned.filter(({ id }) => !aside.has(id)).map(({ poison: shape }) => shape)
    return finding(
      [
        sayLost(all, missing),
        unhandled.length === 0
          ? undefined
          : `${unhandled.length} of ${healthy.length} healthy messages had no effect after ${PATIENCE_MS / 1000} s, ${unhandled.filter(({ id }) => aside.has(id)).length} of them set aside as if they were poison`,
        notAside.length === 0 ? undefined : `not set aside: the message that ${notAside.join(', the one that ')}`,
        repeatedEffects(effects),
      ],
      `${healthy.length} of ${healthy.length} healthy messages handled, three set aside; the consumer was started ${supervised.starts} times`,
      { healthy: healthy.length, unhandled, notSetAside: notAside, starts: supervised.starts },
    )
  },
}
