/** Sources whose mutants are hunted, and the worlds that hunt them: what kills the most comes first. */
export interface Target {
  readonly name: string
  /** Below the sources of the package. */
  readonly file: string
  /** Default: the library. */
  readonly package?: 'strangler'
  readonly worlds: readonly string[]
}

const target = (file: string, ...worlds: readonly string[]): Target => ({ name: file.replace('/', '-').replace('.ts', ''), file, worlds })
const cutOver = (file: string): Target => ({ ...target(`cut-over/${file}`, 'cut-over'), package: 'strangler' })

export const targets: readonly Target[] = [
  target('outbox/relay.ts', 'relay', 'outbox-inbox'),
  target('outbox/relay-lane.ts', 'relay', 'outbox-inbox'),
  target('outbox/inbox.ts', 'inbox', 'outbox-inbox'),
  target('sqlite/inbox-store.ts', 'inbox', 'outbox-inbox'),
  target('saga/participant.ts', 'checkout'),
  target('saga/progress.ts', 'checkout'),
  target('saga/verdict.ts', 'checkout'),
  target('saga/frontier.ts', 'trips', 'refused-trips', 'checkout'),
  target('saga/journal.ts', 'checkout', 'sagas', 'trips', 'refused-trips'),
  target('saga/waits.ts', 'trips', 'refused-trips'),
  target('saga/run.ts', 'checkout', 'sagas', 'trips', 'refused-trips'),
  target('saga/runs.ts', 'sagas', 'saga-workers', 'trips', 'refused-trips'),
  target('saga/running-orchestrator.ts', 'checkout', 'sagas', 'saga-workers', 'trips', 'refused-trips'),
  target('saga/retention.ts', 'saga-retention'),
  target('saga/worker-lease.ts', 'saga-workers'),
  target('sqlite/saga-pruning.ts', 'saga-retention'),
  target('sqlite/saga-store.ts', 'saga-retention', 'checkout', 'sagas', 'trips', 'refused-trips'),
  target('projections/projection.ts', 'projection', 'statements'),
  target('projections/runner.ts', 'projection', 'statements'),
  target('projections/loop.ts', 'projection', 'statements'),
  target('projections/transactional-target.ts', 'projection', 'statements'),
  target('projections/table-projection.ts', 'tables'),
  target('projections/table-switch.ts', 'tables'),
  target('projections/table-verify.ts', 'tables'),
  target('projections/document-target.ts', 'rebuild'),
  target('projections/switch.ts', 'rebuild'),
  target('projections/switch-outcome.ts', 'rebuild', 'tables'),
  target('projections/replayed-sample.ts', 'rebuild', 'tables'),
  target('sqlite/read-store.ts', 'rebuild'),
  target('sqlite/projection-store.ts', 'projection', 'statements'),
  cutOver('cut-over.ts'),
  cutOver('feed.ts'),
  cutOver('moves.ts'),
  cutOver('ownership.ts'),
  cutOver('sqlite-capture.ts'),
]
