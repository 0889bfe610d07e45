import { type EventEnvelope, defineEvent } from 'seaworthy/messaging'
import type { Schema } from 'seaworthy/core'

export interface Counted {
  readonly key: string
  readonly n: number
}

/** Takes `{ key, n }`. */
export const countedSchema: Schema<Counted> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { key, n } = (value ?? {}) as Partial<Counted>
      if (typeof key !== 'string') return { issues: [{ message: 'must be a string', path: ['key'] }] }
      if (typeof n !== 'number') return { issues: [{ message: 'must be a number', path: ['n'] }] }
      return { value: { key, n } }
    },
  },
}

export const counted = defineEvent<Counted>('thing.counted', { topic: 'things', version: 1, key: ({ key }) => key, schema: countedSchema })

/** The event as the relay appends it: numbered. */
export function published(key: string, n: number, fields: Partial<EventEnvelope> = {}): EventEnvelope {
  return { ...counted({ key, n }), id: `${key}-${n}`, sequence: n, ...fields }
}

export function sequences(events: readonly EventEnvelope[]): Record<string, number[]> {
  const byKey: Record<string, number[]> = {}
  for (const { key, sequence } of events) (byKey[key] ??= []).push(sequence)
  return byKey
}
