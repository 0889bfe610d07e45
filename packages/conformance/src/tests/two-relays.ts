import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { duplicates, inversions, lost, sayInversions, sayLost } from '../judgement.ts'

export const twoRelays: ConformanceTest = {
  name: 'two-relays',
  question: 'Does a second relay send nothing twice, and take over when the first is killed?',
  method:
    'Two relays and one writer. After the first half of the events, the relay that calls the broker next is killed in that call, and stays dead while the second half is written.',
  passes: 'No event comes twice before the kill, none is lost, and each key is in order.',
  timeoutMs: 180_000,
  async run(trial) {
    const { exchange } = trial
    const relays = await trial.relaysAtWork(2)
    const each = trial.scale === 'quick' ? 100 : 200
    const before = await trial.write({ writers: 1, each, keys: 10, name: 'written' })
    await trial.comes(() => lost(before, exchange.log).length === 0, 15_000)
    const twice = duplicates(exchange.log).length
    let killed: string | undefined
    exchange.treat = ({ instance }) => {
      killed ??= instance
      if (instance !== killed) return 'store-and-confirm'
      void relays.find((relay) => relay.instance === instance)?.kill()
      return 'silence'
    }
    const committed: OutboxEvent[] = [...before, ...(await trial.write({ writers: 1, each, keys: 10, name: 'written' }))]
    await trial.must('The call in which a relay is killed', () => killed !== undefined)
    const killedAtMs = performance.now()
    // Here the second relay must do it: `undelivered` would start a fresh one.
    const wasTakenOver = await trial.comes(() => lost(committed, exchange.log).length === 0, 30_000)
    const tookMs = Math.round(performance.now() - killedAtMs)
    const missing = wasTakenOver ? [] : await trial.undelivered(committed)
    const found = inversions(committed, exchange.log)
    return finding(
      [
        twice === 0 ? undefined : `${twice} events came twice while both were well`,
        wasTakenOver || missing.length > 0 ? undefined : 'the second relay had not taken over after 30 s',
        sayLost(committed, missing),
        sayInversions(committed.length, found),
      ],
      `${committed.length} of ${committed.length} in order, none twice before the kill; taken over in ${(tookMs / 1000).toFixed(1)} s`,
      { committed: committed.length, duplicatesBeforeTheKill: twice, lost: missing, inversions: found, tookMs },
    )
  },
}
