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
    within: 'constructor',
    what: "statement dropped: options.signal?.addEventListener('abort', this.#onAbort, { once: true })",
    because: 'no world stops a relay by a signal: its processes die, they are not asked to',
  },
  {
    file: 'outbox/relay.ts',
    within: '#run',
    what: 'statement dropped: this.#lastError = undefined',
    because: 'the last error is for the status that a person reads',
  },
  {
    file: 'projections/runner.ts',
    within: '#run',
    what: 'condition negated: error instanceof ApplyFailure',
    because: 'which event failed is for the status that a person reads; whether it is tried again does not hang on it',
  },
]

/** Why a mutant that survived is no loss; undefined when it is one. */
export function equivalentBecause(mutant: Pick<Equivalent, 'file' | 'within' | 'what'>): string | undefined {
  return EQUIVALENT.find(({ file, within, what }) => file === mutant.file && within === mutant.within && what === mutant.what)?.because
}
