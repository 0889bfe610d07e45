import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Client, types } from 'pg'
import { BOOK_QUERIES, type Books, booksOf, type Query } from '../../shop/test/audit/books.ts'
import { databaseUrl, type ShopEngines } from './engines.ts'

/** Where a shop that runs, or ran, in processes keeps its books. */
export interface BookKeeping {
  readonly dataDir: string
  readonly engines: ShopEngines | undefined
}

export async function readBooks({ dataDir, engines }: BookKeeping): Promise<Books> {
  const query = engines?.urls.postgres === undefined ? fromFiles(dataDir) : await fromServer(engines)
  return booksOf(query, mailTexts(join(dataDir, 'services', 'notifications')))
}

function fromFiles(dataDir: string): Query {
  return <Row extends object>(service: string, sql: string) => {
    using database = new DatabaseSync(join(dataDir, 'services', service, `${service}.db`), { readOnly: true, timeout: 5_000 })
    return database.prepare(sql).all() as Row[]
  }
}

type TypeId = Parameters<typeof types.getTypeParser>[0]

const AS_TEXT: ReadonlySet<TypeId> = new Set([types.builtins.JSON, types.builtins.JSONB])

async function fromServer(engines: ShopEngines): Promise<Query> {
  const answers = new Map<string, readonly object[]>()
  await Promise.all(
    Object.values(BOOK_QUERIES).map(async ([service, sql]) => {
      const client = new Client({
        connectionString: databaseUrl(engines, service),
        types: {
          getTypeParser: (oid: TypeId) => (AS_TEXT.has(oid) ? String : oid === types.builtins.INT8 ? Number : types.getTypeParser(oid)),
        },
      })
      await client.connect()
      try {
        answers.set(`${service} ${sql}`, (await client.query(sql)).rows as object[])
      } finally {
        await client.end()
      }
    }),
  )
  return <Row extends object>(service: string, sql: string) => answers.get(`${service} ${sql}`) as readonly Row[]
}

export function mailTexts(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}
