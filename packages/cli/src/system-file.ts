import { ConfigurationError } from 'seaworthy/core'
import type { StageOptions, System } from 'seaworthy/system'
import { loadModule } from './load-module.ts'
import { UsageError } from './usage.ts'

/** @throws ConfigurationError when the file is not there, or exports no system */
export async function loadSystem(file: string): Promise<System> {
  const { default: exported, system } = await loadModule(file, 'the system')
  return asSystem(exported ?? system, file)
}

/**
 * The system at a stage, where its module exports `atStage`, and else the only one that there is.
 * @throws UsageError when a stage is asked for and there are none; ConfigurationError as {@link loadSystem}, and what `atStage` says about the data
 */
export async function loadSystemAtStage(file: string, options: StageOptions): Promise<System> {
  const { atStage } = await loadModule(file, 'the system')
  if (typeof atStage === 'function') return asSystem(await (atStage as (options: StageOptions) => unknown)(options), file)
  if (options.stage !== undefined) throw new UsageError(`${file} has no stages, so that --stage means nothing here.`)
  return loadSystem(file)
}

function asSystem(system: unknown, file: string): System {
  if (typeof system !== 'object' || system === null || !('services' in system) || !('routes' in system))
    throw new ConfigurationError(`${file} exports no system. Export what defineSystem returns, as default or as "system".`)
  return system as System
}
