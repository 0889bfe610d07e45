import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigurationError, NotFoundError } from 'seaworthy/core'
import type { Saga } from 'seaworthy/saga'

/**
 * The sagas that a module exports, alone or in lists: what is checked is data, so none of their functions is called.
 * @throws NotFoundError without such a file; ConfigurationError when it exports none
 */
export async function declaredSagas(code: string): Promise<readonly Saga<never>[]> {
  const file = resolve(code)
  if (!existsSync(file)) throw new NotFoundError(`There is no file ${file}. Name the module that exports the sagas, each version of them.`)
  const exported = Object.values((await import(pathToFileURL(file).href)) as Record<string, unknown>)
  const sagas = exported.flat().filter(isSaga)
  if (sagas.length === 0) throw new ConfigurationError(`${file} exports no saga. Export each version that is there, or a list of them.`)
  return sagas
}

function isSaga(value: unknown): value is Saga<never> {
  if (typeof value !== 'object' || value === null) return false
  const { name, version, steps } = value as Partial<Saga<never>>
  return typeof name === 'string' && typeof version === 'number' && Array.isArray(steps)
}
