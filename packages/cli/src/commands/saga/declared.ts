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
  const exported = Object.entries(await loadModule(file, 'the sagas, each version of them'))
  const sagas = exported.flatMap(([, value]) => value).filter(isSaga)
  if (sagas.length > 0) return sagas
  const functions = exported.flatMap(([name, value]) => (typeof value === 'function' ? [`${name}()`] : []))
  const uncalled =
    functions.length === 0
      ? ''
      : ` ${functions.join(', ')} ${functions.length === 1 ? 'is a function and is' : 'are functions and are'} not called.`
  throw new ConfigurationError(
    `${file} exports no saga.${uncalled} Name a module that exports each version that is there, or a list of them: where a function makes them of what their steps call, ` +
      'one beside it that exports what it returns, for which stand-ins do.',
  )
}

function isSaga(value: unknown): value is Saga<never> {
  if (typeof value !== 'object' || value === null) return false
  const { name, version, steps } = value as Partial<Saga<never>>
  return typeof name === 'string' && typeof version === 'number' && Array.isArray(steps)
}
