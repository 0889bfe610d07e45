import { z } from 'zod'

/** Records in one request at most. */
export const RECORDS_MAX = 1_000

/** How many of the records were new, and how many were known already and left as they are. */
export const takeOverOutcome = z.object({ added: z.int().min(0), known: z.int().min(0) })

export type TakeOverOutcome = z.output<typeof takeOverOutcome>

/** The answer to a request with so many records, of which `added` were new. */
export function takenOver(records: readonly unknown[], added: number): { readonly status: 200; readonly body: TakeOverOutcome } {
  return { status: 200, body: { added, known: records.length - added } }
}
