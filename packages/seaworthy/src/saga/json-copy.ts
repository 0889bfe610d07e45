import { StepResultError } from './errors.ts'

/** A result as it will be read from the journal. @throws StepResultError */
export function jsonCopy(step: string, result: unknown): unknown {
  if (result === undefined) return undefined
  try {
    const text: string | undefined = JSON.stringify(result)
    return text === undefined ? undefined : JSON.parse(text)
  } catch (cause) {
    throw new StepResultError(step, { cause })
  }
}
