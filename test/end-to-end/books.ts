import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Books, booksOf } from '../../shop/test/audit/books.ts'

/** The books of a shop that runs, or ran, in processes: read from their files. */
export function readBooks(dataDir: string): Books {
  const query = <Row extends object>(service: string, sql: string): Row[] => {
    using database = new DatabaseSync(join(dataDir, 'services', service, `${service}.db`), { readOnly: true, timeout: 5_000 })
    return database.prepare(sql).all() as Row[]
  }
  return booksOf(query, mailTexts(join(dataDir, 'services', 'notifications')))
}

export function mailTexts(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}
