import { InvalidInputError, type InvalidField } from 'seaworthy/core'

const TEXT_LENGTH_MAX = 1_000

/** The texts of these names. @throws InvalidInputError naming each that is missing */
export function requiredTexts<Name extends string>(from: Record<string, unknown>, names: readonly Name[]): Readonly<Record<Name, string>> {
  const invalid: InvalidField[] = []
  const found: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = from[name]
    if (typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX) found[name] = value
    else invalid.push({ field: name, message: `must be a text of at most ${TEXT_LENGTH_MAX} characters` })
  }
  if (invalid.length > 0)
    throw new InvalidInputError(
      `The request does not hold: ${invalid.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
      invalid,
    )
  return found as Record<Name, string>
}
