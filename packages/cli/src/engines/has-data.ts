import { dataDirectoryPaths, hasServiceData } from '@seaworthy/supervisor'
import type { StageOptions } from 'seaworthy/system'
import type { EngineSettings } from './engine-settings.ts'
import { databaseOf, ownVariable, reached, urlOf } from './prepare-engines.ts'

// A database that an administrator made is empty until somebody has migrated it.
const IS_MIGRATED = "SELECT to_regclass('seaworthy_schema') IS NOT NULL AS there"
const EXISTS = 'SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1) AS there' // unique index of pg_database

/** Where the data of a system is, and whether a service has any there: in the data directory, or in its database on a server. */
export function hasDataOn(
  { urls, prefix }: EngineSettings,
  { dataDir, env }: { readonly dataDir: string; readonly env: NodeJS.ProcessEnv },
): Pick<StageOptions, 'storage' | 'hasData'> {
  if (!urls.has('postgres')) {
    const paths = dataDirectoryPaths(dataDir)
    return { storage: 'embedded', hasData: async (service) => hasServiceData(paths, service) }
  }
  const isThere = async (connection: string, sql: string, params: readonly string[]): Promise<boolean> => {
    const { openPostgresDatabase } = await import('@seaworthy/postgres')
    return reached('postgres', connection, async (url) => {
      const database = await openPostgresDatabase({ connection: url, transactionsMax: 1, queriesMax: 1 })
      try {
        const [row] = await database.query<{ there: boolean }>({ sql, params })
        return row?.there === true
      } finally {
        await database.close()
      }
    })
  }
  return {
    storage: `postgres:${prefix}`,
    hasData: (service) => {
      const named = env[ownVariable(service)]
      return named === undefined || named === ''
        ? isThere(urlOf('postgres', urls)!, EXISTS, [databaseOf(prefix, service)])
        : isThere(named, IS_MIGRATED, [])
    },
  }
}
