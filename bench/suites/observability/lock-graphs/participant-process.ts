import { type PostgresTransaction, openPostgresDatabase } from '@seaworthy/postgres'
import { startTelemetry } from '@seaworthy/telemetry'
import { SeaworthyError, observed, recordedSpan } from 'seaworthy/core'
import { type Command, type Told, statementFor } from './protocol.ts'

/** A service of its own, whose transactions do what it is told: `participant-process.ts SERVICE URL`. It tells the spans of them, and ends with whoever started it. */
const [service = '', url = ''] = process.argv.slice(2)
const requests = observed('lock-graphs.request')
const tell = (told: Told) => process.send?.(told)

interface Open {
  readonly tx: PostgresTransaction
  readonly end: () => void
  readonly fail: (error: unknown) => void
  readonly over: Promise<unknown>
}
const open = new Map<number, Open>()

startTelemetry({
  service,
  instance: `${service}-1`,
  logLevel: 'silent',
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: (span) => {
        if (!span.name.startsWith('transaction ')) return
        const { traceId } = span.spanContext()
        tell({ kind: 'span', span: { traceId, attributes: span.attributes, linked: span.links.map(({ context }) => context.traceId) } })
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
})
const database = await openPostgresDatabase({ connection: url, transactionsMax: 32, transactionTimeoutMs: 60_000, waitMs: 60_000 })

function begin(id: number, transaction: number): void {
  const over = requests.run(
    () => ({ name: 'request', kind: 'server', attributes: {} }),
    async () => {
      const traceId = recordedSpan()?.traceId
      await database.transaction(async (tx) => {
        const ended = Promise.withResolvers<void>()
        open.set(transaction, { tx, end: ended.resolve, fail: ended.reject, over })
        tell({ kind: 'done', id, traceId })
        await ended.promise
      })
    },
  )
  // What becomes of it is told to those who end it.
  over.catch(() => undefined)
}

async function obey(command: Command): Promise<void> {
  const { id, transaction } = command
  if (command.kind === 'begin') return begin(id, transaction)
  const { tx, end, fail, over } = open.get(transaction)!
  try {
    if (command.kind === 'take') await tx.query({ sql: statementFor(command.lock) })
    if (command.kind === 'end' || command.thenEnd) {
      end()
      await over
    }
    tell({ kind: 'done', id })
  } catch (error) {
    fail(error)
    // The error is told when the transaction has been taken back, and its span has ended.
    await over.catch(() => undefined)
    tell({ kind: 'failed', id, code: error instanceof SeaworthyError ? error.code : String(error) })
  }
}

process.on('message', (command: Command) => void obey(command))
process.on('disconnect', () => process.exit())
tell({ kind: 'ready' })
