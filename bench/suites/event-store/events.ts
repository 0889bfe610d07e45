import { newId } from 'seaworthy/core'
import { type NewStoredEvent, decider, eventTypes } from 'seaworthy/event-sourcing'

/** What every contender stores: movements on an account, of about 150 bytes each. */
export type Moved = { readonly type: 'moved'; readonly amountCents: number; readonly account: string; readonly reference: string }

export const movedEvents = eventTypes<Moved>({ moved: { version: 1 } })

export const balance = decider<{ balanceCents: number; movements: number }, Moved, Moved>({
  initial: () => ({ balanceCents: 0, movements: 0 }),
  decide: (command) => [command],
  evolve: ({ balanceCents, movements }, { amountCents }) => ({ balanceCents: balanceCents + amountCents, movements: movements + 1 }),
})

export function moved(amountCents: number): Moved {
  return { type: 'moved', amountCents, account: 'customer:4711', reference: 'Order 4711 of the winter sale, paid by card' }
}

export function newEvents(count: number): readonly NewStoredEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: newId(),
    ...movedEvents.write(moved(index)),
    context: { correlationId: 'bench' },
  }))
}
