/** Sources whose mutants are hunted, and the worlds that hunt them. */
export interface Target {
  readonly name: string
  /** Below packages/seaworthy/src. */
  readonly file: string
  readonly worlds: readonly string[]
}

const target = (file: string, ...worlds: readonly string[]): Target => ({ name: file.replace('/', '-').replace('.ts', ''), file, worlds })

export const targets: readonly Target[] = [
  target('outbox/relay.ts', 'outbox-inbox'),
  target('outbox/relay-lane.ts', 'outbox-inbox'),
  target('outbox/inbox.ts', 'outbox-inbox'),
  target('sqlite/inbox-store.ts', 'outbox-inbox'),
  target('saga/participant.ts', 'checkout'),
  target('saga/progress.ts', 'checkout'),
  target('saga/verdict.ts', 'checkout'),
  target('saga/run.ts', 'checkout'),
  target('saga/orchestrator.ts', 'checkout'),
  target('projections/projection.ts', 'statements'),
  target('projections/runner.ts', 'statements'),
  target('sqlite/projection-store.ts', 'statements'),
]
