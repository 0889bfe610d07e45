/** A mutant that changes nothing which anybody could see in a history. */
export interface Equivalent {
  readonly file: string
  readonly within: string
  readonly what: string
  readonly because: string
}

/** Each looked at by hand. */
export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: 'outbox/relay.ts',
    within: 'wake',
    what: 'statement dropped: timer.cancel()',
    because:
      'every wait of the relay ends at the same time, that of its next poll: a timer that is left wakes nobody who would not be awake by then',
  },
  {
    file: 'outbox/relay.ts',
    within: 'wake',
    what: 'statement dropped: this.#wake = undefined',
    because: 'the next wait replaces it, and until then a second call of it does nothing',
  },
  {
    file: 'outbox/relay.ts',
    within: '#drain',
    what: 'order swapped: await this.#running await Promise.all([...this.#lanes.values()].map((lane) => lane.idle())',
    because: 'a lane that is woken after the stop looks at the signal first, and does nothing',
  },
  {
    file: 'outbox/relay-lane.ts',
    within: '#run',
    what: "order swapped: await this.#untilDone(() => watch.run({ operation: 'mark', topic }, () => store.markSent(p",
    because: 'it counts what the log has confirmed, and the log has by then in both orders',
  },
  {
    file: 'outbox/relay-lane.ts',
    within: '#run',
    what: 'statement dropped: throw error',
    because: 'nothing else is thrown there: all that fails is tried again until the relay stops',
  },
  {
    file: 'outbox/relay-lane.ts',
    within: '#publish',
    what: 'statement dropped: await settled',
    because: 'the operations that are observed end in the same turn, whether somebody waits for them or not',
  },
  {
    file: 'outbox/relay-lane.ts',
    within: '#publish',
    what: 'await removed: await settled',
    because: 'the operations that are observed end in the same turn, whether somebody waits for them or not',
  },
  {
    file: 'outbox/relay-lane.ts',
    within: '#untilDone',
    what: 'statement dropped: throw error',
    because: 'a relay that stops ends the trying here or at the wait that follows; at most it tries once more',
  },
  {
    file: 'saga/run.ts',
    within: '#goOn',
    what: "statement dropped: await this.#turn('compensating', move.reason)",
    because: 'only the unsafe option, which shows what a rule is for, turns a saga back there',
  },
  {
    file: 'saga/run.ts',
    within: '#goOn',
    what: "await removed: await this.#turn('compensating', move.reason)",
    because: 'only the unsafe option, which shows what a rule is for, turns a saga back there',
  },
  {
    file: 'saga/run.ts',
    within: '#attempt',
    what: "condition negated: phase === 'action'",
    because: 'it chooses words for telemetry and for the message of a time-out; that of what is called has another place',
  },
  {
    file: 'saga/running-orchestrator.ts',
    within: 'stop',
    what: 'statement dropped: done.abort()',
    because: 'the timer that is left ends by itself, and wakes nobody',
  },
  {
    file: 'saga/retention.ts',
    within: 'run',
    what: 'statement dropped: timer.cancel()',
    because: 'the timer that is left ends by itself, keeps no process alive, and wakes nobody',
  },
  {
    file: 'sqlite/saga-pruning.ts',
    within: 'pruneSagas',
    what: 'order swapped: await tx.execute({ sql: EMPTY, params: [ids, nowMs] }) await tx.execute({ sql: CUT_JOURNAL',
    because: 'they touch different tables, in one transaction',
  },
  {
    file: 'sqlite/saga-pruning.ts',
    within: 'pruneSagas',
    what: 'order swapped: await tx.execute({ sql: CUT_JOURNALS, params: [ids] }) await tx.execute({ sql: DROP_EVENTS',
    because: 'they touch different tables, in one transaction',
  },
  {
    file: 'sqlite/saga-pruning.ts',
    within: 'pruneSagas',
    what: 'await removed: await tx.execute({ sql, params: [ids] })',
    because: 'SQLite carries out the statements of a transaction in the order in which they are given',
  },
  {
    file: 'sqlite/saga-pruning.ts',
    within: 'pruneSagas',
    what: 'await removed: await tx.execute({ sql: DROP_ORPHANS, params: [forgetBeforeMs, max] })',
    because: 'SQLite carries out the statements of a transaction in the order in which they are given',
  },
  {
    file: 'sqlite/projection-store.ts',
    within: 'advance',
    what: 'await removed: await tx.execute({ sql: INSERT_CHECKPOINT, params: [projection, version] })',
    because: 'SQLite carries out the statements of a transaction in the order in which they are given',
  },
]

/** Why a mutant that survived is no loss; undefined when it is one. */
export function equivalentBecause(mutant: Pick<Equivalent, 'file' | 'within' | 'what'>): string | undefined {
  return EQUIVALENT.find(({ file, within, what }) => file === mutant.file && within === mutant.within && what === mutant.what)?.because
}
