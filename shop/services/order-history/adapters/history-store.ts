import { migrate, openPostgresDatabase, postgresReadStore, readStoreSchema } from '@seaworthy/postgres'
import { openRedisReadStore } from '@seaworthy/redis'
import { ConfigurationError } from 'seaworthy/core'
import type { ReadStore } from 'seaworthy/projections'
import type { ServicePorts } from '../../../platform/service-ports.ts'

/** Opens the store of a URL: `postgres:`, `redis:`, `rediss:`; without one the service's own database. @throws ConfigurationError for another */
export async function openHistoryStore(
  url: string | undefined,
  { stores, onStop }: Pick<ServicePorts, 'stores' | 'onStop'>,
): Promise<ReadStore> {
  if (url === undefined) return stores.documents()
  const kind = /^[a-z]+(?=:)/.exec(url)?.[0]
  switch (kind) {
    case 'postgres':
    case 'postgresql': {
      const server = await openPostgresDatabase({ connection: url })
      onStop('history store', () => server.close())
      await migrate(server, [readStoreSchema])
      return postgresReadStore(server)
    }
    case 'redis':
    case 'rediss': {
      const store = await openRedisReadStore({ url })
      onStop('history store', () => store.close())
      return store
    }
    default:
      throw new ConfigurationError(
        `SHOP_HISTORY_STORE begins with ${kind ?? 'nothing that is known'}. It may be a URL of postgres or redis.`,
      )
  }
}
