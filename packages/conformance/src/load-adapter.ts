import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OutboxAdapter } from './adapter.ts'
import { AdapterError } from './errors.ts'

/** The adapters that come with the kit, by the names under which they are asked for. */
export const SHIPPED_ADAPTERS = ['seaworthy', 'emmett', 'pg-transactional-outbox-polling', 'pg-transactional-outbox-replication'] as const

const REQUIRED = ['name', 'version', 'configuration', 'setup', 'application', 'relay', 'consumer'] as const

/** The address of an adapter: one that comes with the kit by its name, any other by its file. @throws AdapterError when there is no such file */
export function adapterUrl(nameOrFile: string): string {
  const shipped = SHIPPED_ADAPTERS.find((name) => name === nameOrFile)
  if (shipped !== undefined) return new URL(`./adapters/${shipped}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href
  const file = resolve(nameOrFile)
  if (existsSync(file)) return pathToFileURL(file).href
  throw new AdapterError(`There is no adapter ${nameOrFile}. Name a file, or one of ${SHIPPED_ADAPTERS.join(', ')}.`)
}

/** @throws AdapterError when the module cannot be loaded or exports no adapter */
export async function loadAdapter(url: string): Promise<OutboxAdapter> {
  let loaded: { readonly default?: OutboxAdapter }
  try {
    loaded = (await import(url)) as typeof loaded
  } catch (cause) {
    throw new AdapterError(
      `The adapter ${url} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}. Is the product installed?`,
      { cause },
    )
  }
  const adapter = loaded.default
  if (typeof adapter !== 'object') throw new AdapterError(`${url} exports no adapter. Export it as default.`)
  const missing = REQUIRED.filter((name) => !(name in adapter))
  if (missing.length > 0) throw new AdapterError(`The adapter ${url} has no ${missing.join(', no ')}.`)
  return adapter
}
