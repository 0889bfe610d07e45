import { type HistoryEntry, type Invariant, type NodePorts, invariant, violated } from '@seaworthy/simulation'
import { defineEvent } from 'seaworthy/messaging'
import { acceptAnything } from './simulated-world.ts'

export interface Note {
  readonly id: string
  readonly value: number
}

export const TOPIC = 'notes'
/** Told by whoever owns the note. */
export const written = defineEvent<Note>('note.written', { topic: TOPIC, version: 1, key: ({ id }) => id, schema: acceptAnything() })

const EARLY = 'an event was told before the monolith had what it tells of'
type NoteEntry = Extract<HistoryEntry, { kind: 'note' }>

/** The log of the monolith's process, which looks whether the monolith has what is told of. */
export function noticing({ eventLog, note }: NodePorts, valueOf: (id: string) => Promise<number>): Pick<NodePorts['eventLog'], 'append'> {
  return {
    async append(topic, events) {
      for (const { data } of events) {
        const { id, value } = data as Note
        const found = await valueOf(id)
        if (found < value) note(EARLY, { id, value, found })
      }
      await eventLog.append(topic, events)
    },
  }
}

export const toldInvariants: readonly Invariant[] = [
  invariant('what was acknowledged is told of, and the monolith had it when it was', (view) => {
    const values = new Set(view.records(TOPIC).map(({ event }) => `${event.key} ${(event.data as Note).value}`))
    for (const { method, request } of view.acknowledged) {
      const { id, value } = request as Note
      if (method === 'write' && !values.has(`${id} ${value}`)) violated(`Nobody was told of ${value} under ${id}.`)
    }
    const early = view.history.find((entry): entry is NoteEntry => entry.kind === 'note' && entry.text === EARLY)
    if (early !== undefined) violated(`${EARLY}: ${JSON.stringify(early.data)}`)
  }),
  invariant('the events of a note are told in the order of their numbers, and none is left out', (view) => {
    const last = new Map<string, number>()
    for (const { event } of view.records(TOPIC)) {
      const before = last.get(event.key) ?? 0
      // One that was sent already may come again.
      if (event.sequence > before + 1) violated(`Number ${event.sequence} of ${event.key} came after number ${before}.`)
      last.set(event.key, Math.max(before, event.sequence))
    }
  }),
]
