import { RejectedError } from 'seaworthy/core'
import { decider, eventTypes } from 'seaworthy/event-sourcing'

/** The decider of the tests: an account that cannot be overdrawn. */
export type AccountEvent =
  | { readonly type: 'opened'; readonly owner: string }
  | { readonly type: 'deposited'; readonly amountCents: number }
  | { readonly type: 'withdrawn'; readonly amountCents: number }

export type AccountCommand =
  | { readonly type: 'open'; readonly owner: string }
  | { readonly type: 'deposit'; readonly amountCents: number }
  | { readonly type: 'withdraw'; readonly amountCents: number }

export interface Account {
  readonly owner: string | null
  readonly balanceCents: number
  readonly movements: number
}

export const account = decider<Account, AccountCommand, AccountEvent>({
  initial: () => ({ owner: null, balanceCents: 0, movements: 0 }),
  decide(command, state) {
    if (command.type === 'open') return state.owner === null ? [{ type: 'opened', owner: command.owner }] : []
    if (state.owner === null) throw new RejectedError('no-account', 'There is no such account. Open it first.')
    if (command.type === 'deposit') return [{ type: 'deposited', amountCents: command.amountCents }]
    if (command.amountCents > state.balanceCents) throw new RejectedError('overdrawn', 'The account does not hold that much.')
    return [{ type: 'withdrawn', amountCents: command.amountCents }]
  },
  evolve(state, event) {
    switch (event.type) {
      case 'opened':
        return { ...state, owner: event.owner }
      case 'deposited':
        return { ...state, balanceCents: state.balanceCents + event.amountCents, movements: state.movements + 1 }
      case 'withdrawn':
        return { ...state, balanceCents: state.balanceCents - event.amountCents, movements: state.movements + 1 }
    }
  },
})

export const accountEvents = eventTypes<AccountEvent>({ opened: { version: 1 }, deposited: { version: 1 }, withdrawn: { version: 1 } })
