import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Logger } from 'pino'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Events of the library that an operator should find in the logs, and how loudly. Events of other types are logged at `debug`. */
const LEVELS: Readonly<Record<string, Level>> = {
  'circuit-opened': 'warn',
  'circuit-half-opened': 'info',
  'circuit-closed': 'info',
  'retry-abandoned': 'warn',
}

/** Logs what the library's patterns tell on their diagnostics channels. @returns a function that stops it */
export function logDiagnostics(logger: Logger): () => void {
  const listeners: readonly (readonly [channel: string, listener: (message: unknown) => void])[] = [
    [
      'seaworthy:resilience',
      (message) => {
        const { type, error, ...fields } = message as { type: string; error?: unknown }
        logger[LEVELS[type] ?? 'debug']({ ...fields, ...(error !== undefined && { err: error }) }, type)
      },
    ],
    [
      'seaworthy:consumer.dead-letter',
      (message) => {
        const { consumer, topic, event, attempts, reason, kind } = message as {
          consumer: string
          topic: string
          event: { id: string; type: string; key: string; correlationId: string }
          attempts: number
          reason: string
          kind?: string
        }
        const { id, type, key, correlationId } = event
        logger.error({ correlationId, consumer, topic, messageId: id, eventType: type, key, attempts, kind, reason }, 'message set aside')
      },
    ],
  ]
  for (const [channel, listener] of listeners) subscribe(channel, listener)
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener)
  }
}
