import { type DocumentProjection, documentProjection } from 'seaworthy/projections'

/** What happens to accounts. A withdrawal abroad costs a fee, which the bank keeps; one that is reversed is to be as if it had never been. */
export type AccountEvent =
  | { readonly type: 'deposited'; readonly cents: number }
  | { readonly type: 'withdrawn'; readonly cents: number; readonly feeCents: number }
  | { readonly type: 'reversed'; readonly cents: number; readonly feeCents: number }

/** What the customer sees. */
export interface Balance {
  readonly cents: number
  readonly movements: number
}

/** What an event does to a balance: the rule that has the defect. */
export type Rule = (event: AccountEvent) => number

/** As it was released: whoever reversed a withdrawal gave the amount back, and forgot the fee. */
const released: Rule = (event) => {
  switch (event.type) {
    case 'deposited':
    case 'reversed':
      return event.cents
    case 'withdrawn':
      return -event.cents - event.feeCents
  }
}

/** Mended in a hurry: no fee at all. Reversals come out right, and every withdrawal that was not reversed comes out wrong. */
const hasty: Rule = (event) => (event.type === 'withdrawn' ? -event.cents : event.cents)

/** Mended. */
export const mended: Rule = (event) => (event.type === 'reversed' ? event.cents + event.feeCents : released(event))

const RULES: readonly Rule[] = [released, hasty, mended]

type Data<Type extends AccountEvent['type']> = Omit<Extract<AccountEvent, { type: Type }>, 'type'>

/** Balances by a rule. Version n has the nth one. */
export function balances(version: number): DocumentProjection {
  const rule = RULES[version - 1]!
  const after = (balance: Balance | undefined, event: AccountEvent): Balance => ({
    cents: (balance?.cents ?? 0) + rule(event),
    movements: (balance?.movements ?? 0) + 1,
  })
  return documentProjection<Balance, { deposited: Data<'deposited'>; withdrawn: Data<'withdrawn'>; reversed: Data<'reversed'> }>({
    name: 'balances',
    version,
    on: {
      deposited: (balance, { data }) => after(balance, { type: 'deposited', ...data }),
      withdrawn: (balance, { data }) => after(balance, { type: 'withdrawn', ...data }),
      reversed: (balance, { data }) => after(balance, { type: 'reversed', ...data }),
    },
    listing: ({ cents }) => ({ in: 'all', at: cents }),
  })
}
