import { ConfigurationError } from 'seaworthy/core'

/** The settings of an object, each with what it must be; those that end in a question mark may be left out. */
export type Shape = { readonly [setting: string]: Sort | `${Sort}?` }

type Sort = keyof typeof SORTS

/** A ring of so many calls is as much memory as a window may take: a byte each in a breaker, eight in a rate limiter. */
const WINDOW_CALLS_MAX = 1_000_000

const SORTS = {
  'an object': (value: unknown) => typeof value === 'object' && value !== null,
  'true or false': (value: unknown) => typeof value === 'boolean',
  'a positive number': (value: unknown) => isNumber(value) && value > 0,
  'a number from 0': (value: unknown) => isNumber(value) && value >= 0,
  'a number from 1': (value: unknown) => isNumber(value) && value >= 1,
  'a positive integer': (value: unknown) => isInteger(value) && value > 0,
  'an integer from 0': (value: unknown) => isInteger(value) && value >= 0,
  'an integer from 1 to 1,000,000': (value: unknown) => isInteger(value) && value >= 1 && value <= WINDOW_CALLS_MAX,
  'above 0 and at most 1': (value: unknown) => isNumber(value) && value > 0 && value <= 1,
  'above 0 and below 1': (value: unknown) => isNumber(value) && value > 0 && value < 1,
  'full, equal, decorrelated or none': (value: unknown) => ['full', 'equal', 'decorrelated', 'none'].includes(value as string),
} as const

const isNumber = (value: unknown): value is number => Number.isFinite(value)
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

/**
 * What is wrong with the settings of an object: missing, of another sort, or not known. Declarations come out of JSON files and
 * plain JavaScript, too, where a misspelt limit would be no limit.
 * @param path before the name of each setting: `retry.`
 * @returns sentences without a full stop
 */
export function problemsOf(path: string, declaration: object, shape: Shape): string[] {
  const settings = Object.keys(shape)
  const values = declaration as Readonly<Record<string, unknown>>
  const unknown = Object.keys(values).filter((setting) => values[setting] !== undefined && !settings.includes(setting))
  return [
    ...unknown.map((setting) => `${path}${setting} is no setting here: there are ${settings.join(', ')}`),
    ...settings.flatMap((setting) => problemOf(`${path}${setting}`, values[setting], shape[setting]!)),
  ]
}

/** The same for an object whose `kind` says which settings it has. */
export function problemsOfKind(path: string, declaration: object, shapes: Readonly<Record<string, Shape>>): string[] {
  const { kind, ...settings } = declaration as { readonly kind?: unknown }
  return typeof kind === 'string' && Object.hasOwn(shapes, kind)
    ? problemsOf(path, settings, shapes[kind]!)
    : [`${path}kind is ${shown(kind)}, but must be ${Object.keys(shapes).join(' or ')}`]
}

/** @throws ConfigurationError if there is a problem */
export function assertSensible(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigurationError(`${what} does not make sense: ${problems.join('; ')}.`)
}

function problemOf(setting: string, value: unknown, rule: Shape[string]): string[] {
  const isOptional = rule.endsWith('?')
  const sort = (isOptional ? rule.slice(0, -1) : rule) as Sort
  if ((value === undefined && isOptional) || SORTS[sort](value)) return []
  return [`${setting} is ${shown(value)}, but must be ${sort}`]
}

function shown(value: unknown): string {
  return typeof value === 'number' || value === undefined ? String(value) : JSON.stringify(value)
}
