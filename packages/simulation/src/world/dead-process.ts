/**
 * What a synchronous door throws at code of a dead process that runs on to its next wait. No promise of that process settles any more, so nobody is
 * told; where it ends as an unhandled rejection it means nothing.
 */
export class DeadProcessError extends Error {
  constructor() {
    super('This process is dead.')
    this.name = 'DeadProcessError'
  }
}

/** Whether an error comes from the code of a dead process. */
export function isOfDeadProcess(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof DeadProcessError) return true
  return false
}
