import { setTimeout as delay } from 'node:timers/promises'
import { type ConformanceTest, finding } from '../conformance-test.ts'
import type { Treatment } from '../exchange.ts'
import { duplicates, inversions, sayInversions, sayLost } from '../judgement.ts'

export const skipLocked: ConformanceTest = {
  name: 'skip-locked',
  question: 'Do several relays at one table keep the order of each key?',
  method:
    'Four relays, or as many as the product lets work at one time, and one writer over ten keys, so that whatever is out of order was put so by the relays. The broker takes up to five milliseconds for a call, now more and now less.',
  passes: 'No event arrives for the first time after a later one of its key, and none is lost.',
  timeoutMs: 240_000,
  async run(trial) {
    const relays = await trial.relaysAtWork(4)
    trial.exchange.treat = async (): Promise<Treatment> => {
      await delay(Math.random() * 5)
      return 'store-and-confirm'
    }
    const committed = await trial.write({ writers: 1, each: trial.scale === 'quick' ? 150 : 500, keys: 10, name: 'written' })
    const missing = await trial.undelivered(committed)
    const found = inversions(committed, trial.exchange.log)
    const working = relays.filter(({ instance }) => trial.exchange.publications.has(instance)).length
    return finding(
      [sayInversions(committed.length, found), sayLost(committed, missing)],
      `${committed.length} events of 10 keys in order, by ${working} of 4 relays`,
      {
        committed: committed.length,
        inversions: found,
        lost: missing,
        duplicates: duplicates(trial.exchange.log).length,
        relaysAtWork: working,
      },
    )
  },
}
