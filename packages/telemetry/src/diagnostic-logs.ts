import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Logger } from 'pino'
import type { EventEnvelope } from 'seaworthy/messaging'

type Level = 'debug' | 'info' | 'warn' | 'error'

interface Entry {
  readonly level: Level
  readonly message: string
  readonly fields: object
}

/** A channel of the library, and how what it tells looks in the log. Other chapters own the messages' types: nothing here is needed but the names. */
interface Rule {
  readonly channel: string
  readonly describe: (message: Record<string, unknown>) => Entry
}

const RESILIENCE_LEVELS: Readonly<Record<string, Level>> = {
  'circuit-opened': 'warn',
  'circuit-half-opened': 'info',
  'circuit-closed': 'info',
  'retry-abandoned': 'warn',
}

const RULES: readonly Rule[] = [
  {
    channel: 'seaworthy:resilience',
    describe: ({ type, error, ...fields }) => ({
      level: RESILIENCE_LEVELS[String(type)] ?? 'debug',
      message: String(type),
      fields: { ...fields, ...(error !== undefined && { err: error }) },
    }),
  },
  {
    channel: 'seaworthy:consumer.dead-letter',
    // The data of the event stays out of the log: it is kept with the dead letter, and is nobody's business here.
    describe: ({ event, ...fields }) => {
      const { id, type, key, correlationId } = event as EventEnvelope
      return { level: 'error', message: 'message set aside', fields: { ...fields, correlationId, messageId: id, eventType: type, key } }
    },
  },
  {
    channel: 'seaworthy:projection.parked',
    describe: (fields) => ({ level: 'error', message: 'document stands still at an event that cannot be applied', fields }),
  },
  {
    channel: 'seaworthy:consumer.stopped',
    describe: (error) => ({ level: 'error', message: 'consumer stopped', fields: { err: error } }),
  },
  {
    channel: 'seaworthy:relay.held-up',
    describe: ({ error, ...fields }) => ({
      level: 'warn',
      message: 'events wait in the outbox: they cannot be published, and are tried again',
      fields: { ...fields, err: error },
    }),
  },
  {
    channel: 'seaworthy:relay.recovered',
    describe: (fields) => ({ level: 'info', message: 'events leave the outbox again', fields }),
  },
  {
    channel: 'seaworthy:outbox.stalled',
    describe: (fields) => ({ level: 'warn', message: 'the outbox is held up in its database', fields }),
  },
  {
    channel: 'seaworthy:outbox.stall-over',
    describe: (fields) => ({ level: 'info', message: 'the outbox is no longer held up', fields }),
  },
  {
    channel: 'seaworthy:wake-up.lost',
    describe: ({ error, ...fields }) => ({
      level: 'error',
      message: 'replication does not wake the relay any more; it looks by itself',
      fields: { ...fields, err: error },
    }),
  },
  {
    channel: 'seaworthy:wake-up.restored',
    describe: (fields) => ({ level: 'info', message: 'replication wakes the relay again', fields }),
  },
  {
    channel: 'seaworthy:event-store.held-up',
    describe: (fields) => ({ level: 'warn', message: 'readers of the event store wait for a transaction that does not end', fields }),
  },
  {
    channel: 'seaworthy:inbox.gap',
    describe: (fields) => ({
      level: 'error',
      message: 'a sequence number was skipped: its publisher lost a message, or numbers wrongly',
      fields,
    }),
  },
  {
    channel: 'seaworthy:inbox.stale',
    describe: (fields) => ({ level: 'warn', message: 'a message came after later ones of its key, and was dropped', fields }),
  },
  {
    channel: 'seaworthy:inbox.clean-up-failed',
    describe: ({ error, ...fields }) => ({ level: 'warn', message: 'old inbox rows were not deleted', fields: { ...fields, err: error } }),
  },
]

/** Logs what the library's patterns tell on their diagnostics channels. @returns a function that stops it */
export function logDiagnostics(logger: Logger): () => void {
  const listeners = RULES.map(({ channel, describe }) => {
    const listener = (message: unknown): void => {
      const entry = describe(message as Record<string, unknown>)
      logger[entry.level](entry.fields, entry.message)
    }
    subscribe(channel, listener)
    return { channel, listener }
  })
  return () => {
    for (const { channel, listener } of listeners) unsubscribe(channel, listener)
  }
}
