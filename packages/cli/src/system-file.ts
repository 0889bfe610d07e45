import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ConfigurationError } from 'seaworthy/core'
import type { System } from 'seaworthy/system'

/** @throws ConfigurationError when the file is not there, or exports no system */
export async function loadSystem(file: string): Promise<System> {
  if (!existsSync(file)) throw new ConfigurationError(`There is no file ${file}. Name the module that exports the system.`)
  const loaded = (await import(pathToFileURL(file).href)) as { default?: unknown; system?: unknown }
  const system = loaded.default ?? loaded.system
  if (typeof system !== 'object' || system === null || !('services' in system) || !('routes' in system))
    throw new ConfigurationError(`${file} exports no system. Export what defineSystem returns, as default or as "system".`)
  return system as System
}
