import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { NotFoundError } from 'seaworthy/core'
import type { SagaReader } from 'seaworthy/saga'
import { openSqliteSagaReader } from 'seaworthy/sqlite'

/** Sagas of a service, beside its process: they are only read. @throws NotFoundError without such a file; UnavailableError when there is no such server */
export async function openSagas(where: string): Promise<{ readonly sagas: SagaReader; readonly close: () => void }> {
  if (/^postgres(?:ql)?:\/\//.test(where)) {
    // Loaded here, because no other command needs it.
    const { openPostgresDatabase, postgresSagaReader } = await import('@seaworthy/postgres')
    const database = await openPostgresDatabase({ connection: where })
    return { sagas: postgresSagaReader(database), close: () => void database.close() }
  }
  const file = resolve(where)
  if (!existsSync(file)) throw new NotFoundError(`There is no database ${file}.`)
  return openSqliteSagaReader(file)
}
