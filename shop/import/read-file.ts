import { readFileSync } from 'node:fs'
import { InvalidInputError, type Schema, validate } from 'seaworthy/core'
import { dummyJsonFile, fromDummyJson } from './dummyjson.ts'
import { fromNorthwind, northwindFile } from './northwind.ts'
import type { ShopData } from './shop-data.ts'

export interface ImportFile {
  readonly format: 'DummyJSON products' | 'Northwind orders'
  readonly data: ShopData
}

/**
 * Reads and checks a whole file: nothing of it is sent unless all of it holds.
 * @throws InvalidInputError with the path of each record that does not hold
 */
export function readImportFile(path: string): ImportFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new InvalidInputError(`${path} cannot be read: ${(error as Error).message}`, [], { cause: error })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InvalidInputError(`${path} is no JSON: ${(error as Error).message}`, [], { cause: error })
  }
  return recognise(value, path)
}

/** Which of the known files `value` is, and what it means to the shop. */
export function recognise(value: unknown, path: string): ImportFile {
  if (Array.isArray(value)) return { format: 'DummyJSON products', data: fromDummyJson(checked(dummyJsonFile, value, path)) }
  if (typeof value === 'object' && value !== null && 'orders' in value) {
    return { format: 'Northwind orders', data: fromNorthwind(checked(northwindFile, value, path)) }
  }
  throw new InvalidInputError(
    `${path} is neither of the files that can be imported: an array of products as DummyJSON has it, or an object of customers, products and orders as Northwind has it.`,
  )
}

const FIELDS_SHOWN_MAX = 20

function checked<T>(schema: Schema<T>, value: unknown, path: string): T {
  try {
    return validate(schema, value, path)
  } catch (error) {
    if (!(error instanceof InvalidInputError) || error.fields.length === 0) throw error
    const { fields } = error
    const shown = fields.slice(0, FIELDS_SHOWN_MAX).map(({ field, message }) => `  ${field === '' ? '(whole file)' : field}: ${message}`)
    const more = fields.length > shown.length ? [`  … and ${fields.length - shown.length} more`] : []
    throw new InvalidInputError(
      `${path} was not imported, because ${fields.length} of its values do not hold:\n${[...shown, ...more].join('\n')}`,
      fields,
      { cause: error },
    )
  }
}
