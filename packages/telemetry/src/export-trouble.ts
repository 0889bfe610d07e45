import type { Logger } from 'pino'
import type { ExportTrouble } from './export-queue.ts'
import type { OtlpSignal } from './otlp/items.ts'

interface Words {
  readonly collector: string
  readonly items: string
  /** What becomes of them while the collector is away. */
  readonly meanwhile: string
}

const WORDS: Readonly<Record<OtlpSignal, Words>> = {
  traces: { collector: 'the trace collector', items: 'spans', meanwhile: 'spans are kept and sent later' },
  metrics: { collector: 'the collector of metrics', items: 'metrics', meanwhile: 'what is sent next counts all of it' },
  logs: { collector: 'the log collector', items: 'log records', meanwhile: 'records are kept and sent later' },
}

/** Says in the log what goes wrong on the way out. */
export function logTrouble(logger: Logger, { signal, to, trouble }: { signal: OtlpSignal; to: string; trouble: ExportTrouble }): void {
  const { collector, items, meanwhile } = WORDS[signal]
  switch (trouble.kind) {
    case 'unreachable':
      logger.warn({ to, why: trouble.why }, `${collector} cannot be reached; ${meanwhile}`)
      break
    case 'back':
      logger.info({ to, dropped: trouble.dropped }, `${collector} is back`)
      break
    case 'overflow':
      logger.warn({ to, dropped: trouble.dropped }, `${items} are made faster than ${collector} takes them; the oldest are dropped`)
      break
    case 'refused':
      logger.warn({ to, why: trouble.why, count: trouble.count }, `${collector} refused ${items}`)
      break
    case 'warned':
      logger.warn({ to, why: trouble.why }, `${collector} took all ${items}, and warns`)
      break
  }
}
