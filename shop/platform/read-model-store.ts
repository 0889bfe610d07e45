import { ConfigurationError } from 'seaworthy/core'
import type { ReadStore } from 'seaworthy/projections'
import type { ServicePorts } from './service-ports.ts'

/**
 * Opens the store of a read model by its URL: `postgres:`, `redis:`, `rediss:`; without one the service's own database.
 * @param variable whence the URL is, for the error
 * @throws ConfigurationError for another kind
 */
export async function openReadModelStore(
  { url, variable }: { readonly url: string | undefined; readonly variable: string },
  { stores, onStop }: Pick<ServicePorts, 'stores' | 'onStop'>,
): Promise<ReadStore> {
  if (url === undefined) return stores.documents()
  // Clients are loaded where they are named: on SQLite they would be most of what a process loads beyond the platform.
  const kind = /^[a-z]+(?=:)/.exec(url)?.[0]
  switch (kind) {
    case 'postgres':
    case 'postgresql': {
      const { migrate, openPostgresDatabase, postgresReadStore, readStoreSchema } = await import('@seaworthy/postgres')
      const server = await openPostgresDatabase({ connection: url })
      onStop('read model', () => server.close())
      await migrate(server, [readStoreSchema])
      return postgresReadStore(server)
    }
    case 'redis':
    case 'rediss': {
      const { openRedisReadStore } = await import('@seaworthy/redis')
      const store = await openRedisReadStore({ url })
      onStop('read model', () => store.close())
      return store
    }
    default:
      throw new ConfigurationError(`${variable} begins with ${kind ?? 'nothing that is known'}. It may be a URL of postgres or redis.`)
  }
}
