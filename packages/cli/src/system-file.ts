import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ConfigurationError } from 'seaworthy/core'
import type { StageOptions, System } from 'seaworthy/system'
import { UsageError } from './usage.ts'

interface SystemModule {
  readonly default?: unknown
  readonly system?: unknown
  readonly atStage?: unknown
}

/** @throws ConfigurationError when the file is not there, or exports no system */
export async function loadSystem(file: string): Promise<System> {
  const loaded = await load(file)
  return asSystem(loaded.default ?? loaded.system, file)
}

/**
 * The system at a stage, where its module exports `atStage`, and else the only one that there is.
 * @throws UsageError when a stage is asked for and there are none; ConfigurationError as {@link loadSystem}, and what `atStage` says about the data
 */
export async function loadSystemAtStage(file: string, options: StageOptions): Promise<System> {
  const { atStage } = await load(file)
  if (typeof atStage === 'function') return asSystem(await (atStage as (options: StageOptions) => unknown)(options), file)
  if (options.stage !== undefined) throw new UsageError(`${file} has no stages, so that --stage means nothing here.`)
  return loadSystem(file)
}

async function load(file: string): Promise<SystemModule> {
  if (!existsSync(file)) throw new ConfigurationError(`There is no file ${file}. Name the module that exports the system.`)
  return (await import(pathToFileURL(file).href)) as SystemModule
}

function asSystem(system: unknown, file: string): System {
  if (typeof system !== 'object' || system === null || !('services' in system) || !('routes' in system))
    throw new ConfigurationError(`${file} exports no system. Export what defineSystem returns, as default or as "system".`)
  return system as System
}
