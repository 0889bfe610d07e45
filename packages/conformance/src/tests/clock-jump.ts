import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { duplicates, inversions, sayInversions, sayLost } from '../judgement.ts'

const HOUR_MS = 3_600_000

export const clockJump: ConformanceTest = {
  name: 'clock-jump',
  question: "Do events arrive in order when the relays' clocks jump?",
  method:
    'Two relays and one writer. The wall clock of the first relay jumps two hours ahead, then that of the second two hours back and that of the first four hours back, with events written in between.',
  passes: 'No event is lost or held up, and each key is in order.',
  timeoutMs: 180_000,
  async run(trial) {
    if (!('run' in trial.adapter.relay)) {
      return { verdict: 'does-not-have', evidence: 'a relay whose clock the kit can set: it is a program of its own', figures: {} }
    }
    const [first, second] = await trial.relaysAtWork(2)
    const committed: OutboxEvent[] = []
    const write = async () =>
      void committed.push(...(await trial.write({ writers: 1, each: trial.scale === 'quick' ? 40 : 80, keys: 10, name: 'written' })))
    await write()
    first!.shiftClock(2 * HOUR_MS)
    await write()
    second!.shiftClock(-2 * HOUR_MS)
    await write()
    first!.shiftClock(-2 * HOUR_MS)
    await write()
    const missing = await trial.undelivered(committed)
    const found = inversions(committed, trial.exchange.log)
    const again = duplicates(trial.exchange.log).length
    return finding(
      [sayLost(committed, missing), sayInversions(committed.length, found)],
      `${committed.length} of ${committed.length} in order over three jumps; ${again} came again`,
      { committed: committed.length, lost: missing, inversions: found, duplicates: again },
    )
  },
}
