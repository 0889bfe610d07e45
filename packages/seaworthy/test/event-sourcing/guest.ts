import { decider, eventTypes } from 'seaworthy/event-sourcing'

/** The decider of the tests of erasure: visits, whose guests have names. */
export type GuestEvent = { readonly type: 'booked'; readonly guestId: string; readonly name: string; readonly room: number }

export const guestEvents = eventTypes<GuestEvent>({
  booked: { version: 1, personal: { subject: ({ guestId }) => guestId, placeholders: { name: '(forgotten)' } } },
})

export const guest = decider<{ names: readonly string[] }, GuestEvent, GuestEvent>({
  initial: () => ({ names: [] }),
  decide: (command) => [command],
  evolve: (state, { name }) => ({ names: [...state.names, name] }),
})
