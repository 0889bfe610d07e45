import type { EventEnvelope, LogReader, LogRecord, Position } from 'seaworthy/messaging'

/** The n-th event of a key, as the relay appends it. */
export function published(key: string, n: number, data: unknown = { n }): EventEnvelope {
  return {
    id: `${key}-${n}`,
    type: 'thing.counted',
    version: 1,
    source: 'alpha',
    key,
    sequence: n,
    time: '2026-01-01T00:00:00.000Z',
    correlationId: 'c',
    data,
  }
}

/** Everything there is now. */
export async function drained(reader: LogReader, max = 500): Promise<readonly LogRecord[]> {
  const all: LogRecord[] = []
  for (;;) {
    const records = await reader.poll({ max, waitMs: 0 })
    if (records.length === 0) return all
    all.push(...records)
  }
}

export function after({ topic, partition, offset }: LogRecord): Position {
  return { topic, partition, offset: offset + 1 }
}
