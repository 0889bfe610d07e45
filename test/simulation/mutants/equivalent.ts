/** Mutants that change nothing which anybody could see, by hand: the file, what was changed, and why. */
const EQUIVALENT: readonly { readonly file: string; readonly what: string; readonly because: string }[] = [
  {
    file: 'outbox/relay.ts',
    what: "statement dropped: options.signal?.addEventListener('abort', this.#onAbort, { once: true })",
    because: 'no world stops a relay by a signal: its processes die, they are not asked to',
  },
  {
    file: 'outbox/relay.ts',
    what: 'statement dropped: this.#lastError = undefined',
    because: 'the last error is for the status that a person reads',
  },
  {
    file: 'projections/runner.ts',
    what: 'condition negated: error instanceof ApplyFailure',
    because: 'which event failed is for the status that a person reads; whether it is tried again does not hang on it',
  },
]

/** Why a mutant that survived is no loss; undefined when it is one. */
export function equivalentBecause(file: string, what: string): string | undefined {
  return EQUIVALENT.find((known) => known.file === file && known.what === what)?.because
}
