import { FAULTS, CENTS, type Fault } from './payments.ts'
import { WAYS, type Way } from './orders.ts'

/** What the books and the orders say after one history. */
export interface History {
  readonly way: Way
  readonly fault: Fault
  readonly orders: readonly { readonly id: string; readonly status: string }[]
  readonly ledger: readonly { readonly order_id: string; readonly cents: number; readonly what: string }[]
  /** Orders that the fault met. */
  readonly met: number
  readonly lives: number
}

export interface Figures {
  readonly way: Way
  readonly fault: Fault
  readonly orders: number
  readonly met: number
  readonly completed: number
  readonly unfinished: number
  /** Orders that cost the customer something else than they should: the price if completed, and nothing otherwise. */
  readonly wrong: readonly string[]
  /** Taken from customers for nothing. */
  readonly lostCents: number
}

export function figuresOf({ way, fault, orders, ledger, met }: History): Figures {
  const paid = (id: string) => ledger.filter(({ order_id }) => order_id === id).reduce((sum, { cents }) => sum + cents, 0)
  const owed = (status: string) => (status === 'completed' ? CENTS : 0)
  const wrong = orders.filter(({ id, status }) => paid(id) !== owed(status))
  return {
    way,
    fault,
    orders: orders.length,
    met,
    completed: orders.filter(({ status }) => status === 'completed').length,
    unfinished: orders.filter(({ status }) => status === 'charging').length,
    wrong: wrong.map(({ id }) => id),
    lostCents: wrong.reduce((sum, { id, status }) => sum + Math.max(0, paid(id) - owed(status)), 0),
  }
}

/** Why the outcome is not the one that the README promises; nothing when it is. */
export function brokenPromises(figures: readonly Figures[]): readonly string[] {
  const broken: string[] = []
  for (const way of WAYS) {
    for (const fault of FAULTS) {
      const found = figures.find((each) => each.way === way && each.fault === fault)
      if (found === undefined || found.met === 0) broken.push(`${fault} met no order of the ${way} checkout.`)
      else if (way === 'hand-written' && found.lostCents === 0)
        broken.push(`${fault} cost the customers of the hand-written checkout nothing.`)
      else if (way === 'saga' && found.wrong.length > 0)
        broken.push(`${fault} made the books of the saga wrong: ${found.wrong.join(', ')}.`)
      else if (way === 'saga' && found.unfinished > 0) broken.push(`${fault} left ${found.unfinished} sagas unfinished.`)
    }
  }
  return broken
}
