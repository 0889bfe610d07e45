import type { Outbox } from 'seaworthy/outbox'
import { paymentCharged } from '../../shop/services/payments/contract/events.ts'

/** `careless` is the release of payments that is deployed while the lab runs: it prints a slip for each charge. */
export type Release = 'sound' | 'careless'

/** Tells a process which release of payments it runs. */
export const RELEASE_VARIABLE = 'LAB_RELEASE'

export function releaseOf(env: NodeJS.ProcessEnv): Release {
  return env[RELEASE_VARIABLE] === 'careless' ? 'careless' : 'sound'
}

/** As many characters as a slip is wide: 9,999.99 is the largest amount that fits. */
const SLIP_WIDTH = 7

/** From this amount on a slip has no room: 10,000.00. */
export const POISONOUS_CENTS = 1_000_000

/**
 * What the careless release adds to payments: a slip for each charge, printed beside the work once the charge is committed, and not waited for. So nobody catches what
 * goes wrong with it, and for the first charge that does not fit on a slip Node ends the process. A charge that is repeated under its key is not made again, and prints
 * nothing.
 */
export function withSlips(outbox: Outbox, print: (slip: string) => void): Outbox {
  return {
    ...outbox,
    async add(tx, ...events) {
      await outbox.add(tx, ...events)
      for (const event of events) if (paymentCharged.is(event)) tx.afterCommit(() => void printSlip(event.data.amountCents, print))
    },
  }
}

async function printSlip(amountCents: number, print: (slip: string) => void): Promise<void> {
  const amount = (amountCents / 100).toFixed(2)
  print(' '.repeat(SLIP_WIDTH - amount.length) + amount)
}
