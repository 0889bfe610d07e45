/** Mutants that change nothing which anybody could see, by hand: the file, the beginning of what was changed, and why. */
const EQUIVALENT: readonly { readonly file: string; readonly what: string; readonly because: string }[] = []

/** Why a mutant that survived is no loss; undefined when it is one. */
export function equivalentBecause(file: string, what: string): string | undefined {
  return EQUIVALENT.find((known) => known.file === file && what.startsWith(known.what))?.because
}
