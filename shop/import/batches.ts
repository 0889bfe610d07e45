export interface BatchLimits {
  readonly recordsMax: number
  /** Of JSON, in UTF-8. A single record that is larger is a batch of its own: whoever receives it says what it thinks of that. */
  readonly bytesMax: number
}

/** Below what a service takes in one request: RECORDS_MAX records, 1 MiB. */
const BATCH_LIMITS: BatchLimits = { recordsMax: 500, bytesMax: 500_000 }

/** The records in order, in batches within the limits. */
export function* batchesOf<Record>(
  records: readonly Record[],
  { recordsMax, bytesMax }: BatchLimits = BATCH_LIMITS,
): Generator<readonly Record[]> {
  let batch: Record[] = []
  let bytes = 0
  for (const record of records) {
    const size = Buffer.byteLength(JSON.stringify(record)) + 1
    if (batch.length > 0 && (batch.length === recordsMax || bytes + size > bytesMax)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(record)
    bytes += size
  }
  if (batch.length > 0) yield batch
}
