import { InvalidInputError, NotFoundError } from 'seaworthy/core'

/** What a look-up answers, or undefined where there is nothing by that id. */
export async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    // What cannot be an id, such as '..', is nobody's.
    if (error instanceof NotFoundError || error instanceof InvalidInputError) return undefined
    throw error
  }
}
