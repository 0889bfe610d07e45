import { rootContext } from 'seaworthy/core'
import { type JournalEntry, type OrchestratorOptions, type Saga, type SagaRecord, orchestrator } from 'seaworthy/saga'
import { VirtualClock, inMemoryDatabase, inMemorySagaStore } from '@seaworthy/testing'

/** An orchestrator on in-memory storage, with a clock that the test moves. */
export function world(sagas: readonly Saga<never>[], options: Partial<OrchestratorOptions> = {}) {
  const clock = new VirtualClock()
  const { database = inMemoryDatabase({ clock }) } = options
  const { store = inMemorySagaStore(database) } = options
  const settings = { database, store, clock, sagas, resumeSpreadMs: 0, ...options }
  const running = orchestrator(settings)
  const start = <Input>(of: Saga<Input>, id: string, input: NoInfer<Input>, context = rootContext()) =>
    database.transaction((tx) => running.start(tx, of, { id, input, context }))
  /** Lets time pass until the saga is over. */
  const settle = async (id: string, by = running): Promise<SagaRecord> => {
    const settled = by.settled(id, { timeoutMs: 1e12 })
    let record: SagaRecord | undefined
    void settled.then((value) => (record = value))
    for (let moment = 0; moment < 10_000; moment++) {
      await clock.advance(0)
      if (record !== undefined) return record
      // The wait for the saga is a timer too, the very last one.
      if (clock.pending.length > 1) await clock.advanceToNext()
    }
    throw new Error(`Saga ${id} did not come to an end.`)
  }
  const journal = async (id: string) => ((await store.load(id))?.journal ?? []).map(journalLine)
  return { clock, database, store, running, start, settle, journal, settings }
}

/** A line of the journal as a test writes it. */
export function journalLine(entry: JournalEntry): string {
  switch (entry.kind) {
    case 'started':
    case 'compensation-started':
      return `${entry.step} ${entry.kind} ${entry.attempt}`
    case 'done':
      return `${entry.step} done ${JSON.stringify(entry.result)}`
    case 'failed':
      return `${entry.step} failed ${entry.executed}`
    case 'waiting':
      return `${entry.step} waiting ${entry.untilMs}`
    case 'by-hand':
      return `${entry.step} by-hand ${entry.action} ${entry.actor}`
    case 'compensated':
    case 'compensation-failed':
      return `${entry.step} ${entry.kind}`
  }
}

export const nothing = async () => undefined
