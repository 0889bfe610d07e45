import type { Execute, OutboxEvent } from './adapter.ts'

/** Where effects are written: by the handler, in its own transaction. */
export const EFFECTS_TABLE = `CREATE TABLE conformance_effects (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, key text NOT NULL, number integer NOT NULL, instance text NOT NULL
)`
const INSERT_EFFECT = 'INSERT INTO conformance_effects (id, key, number, instance) VALUES ($1, $2, $3, $4)'

/** What every consumer does with an event: it writes the effect, after it has misbehaved as it is told. */
export async function handle(event: OutboxEvent, execute: Execute, instance: string): Promise<void> {
  switch (event.poison) {
    case 'throws':
      throw new Error('This event is poison: its handler throws.')
    case 'hangs':
      await new Promise(() => undefined)
      break
    case 'kills':
      process.kill(process.pid, 'SIGKILL')
      // The signal may need a moment.
      await new Promise(() => undefined)
      break
    case undefined:
  }
  await execute(INSERT_EFFECT, [event.id, event.key, event.number, instance])
}
