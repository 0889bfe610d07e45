import { resolve } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'
import type { Saga } from 'seaworthy/saga'
import { loadModule } from '../../load-module.ts'

/**
 * The sagas that a module exports, alone or in lists: what is checked is data, so none of their functions is called.
 * @throws ConfigurationError without such a file, when it cannot be loaded, and when it exports none
 */
export async function declaredSagas(code: string): Promise<readonly Saga<never>[]> {
  const file = resolve(code)
  const exported = Object.values(await loadModule(file, 'the sagas, each version of them'))
  const sagas = exported.flat().filter(isSaga)
  if (sagas.length === 0) throw new ConfigurationError(`${file} exports no saga. Export each version that is there, or a list of them.`)
  return sagas
}

function isSaga(value: unknown): value is Saga<never> {
  if (typeof value !== 'object' || value === null) return false
  const { name, version, steps } = value as Partial<Saga<never>>
  return typeof name === 'string' && typeof version === 'number' && Array.isArray(steps)
}
