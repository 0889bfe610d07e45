import type { OutboxEvent } from '../adapter.ts'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import { inversions, sayInversions, sayLost } from '../judgement.ts'

export const orderPerKey: ConformanceTest = {
  name: 'order-per-key',
  question: 'Do the events of a key arrive in the order of their commits?',
  method:
    'A transaction takes its transaction id by writing a row, another then adds number 1 of a key and commits, and the first adds number 2 and commits, ten times. Then eight writers over four keys, each of which takes its transaction id first and then the next number of the key from a row that it locks.',
  passes: 'No event arrives for the first time after a later one of its key, and none is lost.',
  timeoutMs: 150_000,
  async run(trial) {
    await trial.relaysAtWork()
    const [old, young] = [await trial.session(), await trial.session()]
    const committed: OutboxEvent[] = []
    for (let round = 1; round <= 10; round++) {
      const [first, second] = trial.events(2, 1, { key: `crossed-${round}` })
      await old.query('BEGIN')
      await old.query("INSERT INTO conformance_notes VALUES ('takes a transaction id')")
      await trial.commit([first!], young)
      await trial.application.add(old, [second!])
      await old.query('COMMIT')
      committed.push(first!, second!)
    }
    committed.push(...(await trial.write({ writers: 8, each: trial.scale === 'quick' ? 15 : 50, keys: 4, name: 'written' })))
    const missing = await trial.undelivered(committed)
    const found = inversions(committed, trial.exchange.log)
    return finding(
      [sayInversions(committed.length, found), sayLost(committed, missing)],
      `${committed.length} events of 14 keys in order`,
      { committed: committed.length, inversions: found, lost: missing },
    )
  },
}
