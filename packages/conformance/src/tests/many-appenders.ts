import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { ghosts, inversions, sayInversions, sayLost } from '../judgement.ts'

const WRITERS = 32

export const manyAppenders: ConformanceTest = {
  name: 'many-appenders',
  question: 'Can many writers share one handle?',
  method: 'Thirty-two writers at one time on one handle of the product, each with a key of its own, add events one after another.',
  passes: 'No writer gets an error; every event that was acknowledged arrives, each key in order, and none else.',
  timeoutMs: 90_000,
  async run(trial) {
    await trial.relaysAtWork()
    const each = trial.scale === 'quick' ? 4 : 10
    const committed: OutboxEvent[] = []
    const failures: string[] = []
    const write = async (writer: number) => {
      for (const event of trial.events(each, 1, { key: `writer-${writer}` })) {
        try {
          await trial.application.append(event)
          committed.push(event)
        } catch (error) {
          failures.push(String(error))
        }
      }
    }
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
    const missing = await trial.undelivered(committed)
    const uncommitted = ghosts([...committed, ...trial.warmUps], trial.exchange.log)
    const found = inversions(committed, trial.exchange.log)
    return finding(
      [
        failures.length === 0 ? undefined : `${failures.length} of ${WRITERS * each} writes failed: ${failures[0]}`,
        sayLost(committed, missing),
        sayInversions(committed.length, found),
        uncommitted.length === 0 ? undefined : `${uncommitted.length} arrived that were not acknowledged`,
      ],
      `${committed.length} of ${committed.length} from ${WRITERS} writers arrived in order`,
      { failures, lost: missing, inversions: found, unacknowledged: uncommitted.length },
    )
  },
}
