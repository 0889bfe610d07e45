import { id } from '../otlp/values.ts'
import { type LogRow, logRow } from './log-row.ts'

const LEVELS: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 }

/**
 * A line that a process printed: one of our logger's, any other of pino's, or what a program says when it has no logger. That gets the time of its reading and
 * the name of its file.
 */
export function rowOfLine(line: string, from: { readonly service: string; readonly nowMs: number }): LogRow {
  const record = jsonObject(line)
  if (record === undefined) {
    const plain = { timeUs: from.nowMs * 1_000, service: from.service, instance: null, severity: severityOfText(line) }
    return logRow({ ...plain, traceId: null, spanId: null, correlationId: null, message: line, fields: {} })
  }
  const { level, time, service, instance, correlationId, traceId, spanId, msg, pid: _pid, hostname: _hostname, ...fields } = record
  return logRow({
    timeUs: timeUs(time) ?? from.nowMs * 1_000,
    service: string(service) ?? from.service,
    instance: string(instance) ?? null,
    severity: severityOf(level),
    traceId: id(traceId, 32) ?? null,
    spanId: id(spanId, 16) ?? null,
    correlationId: string(correlationId) ?? null,
    message: string(msg) ?? '',
    fields,
  })
}

function jsonObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Pino counts in tens. */
function severityOf(level: unknown): number {
  if (typeof level === 'number') return Math.max(1, Math.min(21, Math.floor(level / 10) * 4 - 3)) || 0
  return typeof level === 'string' ? (LEVELS[level.toLowerCase()] ?? 0) : 0
}

/** What a runtime prints when a program dies, or warns. */
function severityOfText(line: string): number {
  if (/^\(node:\d+\) .*Warning: /.test(line)) return LEVELS['warn']!
  return /^(?:Uncaught )?[\w.]*(?:Error|Exception)\b.*:/.test(line) ? LEVELS['error']! : 0
}

function timeUs(time: unknown): number | undefined {
  const ms = typeof time === 'number' ? time : typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isFinite(ms) && ms > 0 && ms < 9e12 ? Math.round(ms * 1_000) : undefined
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
