import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AnyEntity, Mapping, TableDeclaration } from '@seaworthy/strangler/cut-over'
import { MONOLITH_SCHEMA } from '../../monolith/adapters/schema.ts'
import type { ServiceSchema } from '../../platform/tables.ts'
import { catalogMapping } from '../../services/catalog/contract/monolith-mapping.ts'
import { CATALOG_SCHEMA } from '../../services/catalog/adapters/schema.ts'
import { customersMapping } from '../../services/customers/contract/monolith-mapping.ts'
import { CUSTOMERS_SCHEMA } from '../../services/customers/adapters/schema.ts'
import { reviewsMapping } from '../../services/reviews/contract/monolith-mapping.ts'
import { REVIEWS_SCHEMA } from '../../services/reviews/adapters/schema.ts'
import { openServiceDatabase } from '../service-database.ts'

interface Case {
  readonly mapping: Mapping
  readonly schema: ServiceSchema
  /** Columns of the service that are no part of what is moved. */
  readonly own: readonly string[]
}

const CASES: readonly Case[] = [
  { mapping: reviewsMapping, schema: REVIEWS_SCHEMA, own: ['told'] },
  { mapping: catalogMapping, schema: CATALOG_SCHEMA, own: [] },
  { mapping: customersMapping, schema: CUSTOMERS_SCHEMA, own: [] },
]

async function columnsOf(schema: ServiceSchema, table: string): Promise<readonly string[]> {
  await using service = await openServiceDatabase(schema)
  const rows = await service.database.query<{ name: string }>({ sql: 'SELECT name FROM pragma_table_info(?)', params: [table] })
  return rows.map(({ name }) => name)
}

/** One row in each table of the monolith's side, under a key. */
function entityOf({ old }: Mapping): fc.Arbitrary<{ readonly key: string; readonly entity: AnyEntity }> {
  const plain = { noNullPrototype: true } as const
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null))
  const rowOf = ({ columns }: TableDeclaration) => fc.record(Object.fromEntries(columns.map((column) => [column, value])), plain)
  return fc.string({ minLength: 1 }).chain((key) => {
    const tables = Object.entries(old).map(([table, declaration]) => {
      const rows = rowOf(declaration).map((row) => [{ ...row, [declaration.key]: key }])
      return [table, rows] as const
    })
    return fc.record(Object.fromEntries(tables), plain).map((entity) => ({ key, entity }))
  })
}

for (const { mapping, schema, own } of CASES) {
  describe(`the mapping of ${mapping.name}`, () => {
    test('names every column that the monolith and the service have', async () => {
      for (const [side, declared] of [
        [mapping.old, MONOLITH_SCHEMA],
        [mapping.new, schema],
      ] as const) {
        for (const [table, { columns }] of Object.entries(side)) {
          const all = await columnsOf(declared, table)
          assert.ok(all.length > 0, `there is no table ${table}`)
          assert.deepEqual([...columns].toSorted(), all.filter((column) => side === mapping.old || !own.includes(column)).toSorted(), table)
        }
      }
    })

    test('brings to the service what it brings back, to the letter', () => {
      fc.assert(
        fc.property(entityOf(mapping), ({ key, entity }) => {
          const moved = mapping.toNew(entity, key)
          for (const [table, rows] of Object.entries(moved))
            assert.deepEqual(
              rows.map((row) => row[mapping.new[table]!.key]),
              [key],
            )
          assert.deepEqual(mapping.toOld(moved, key), entity)
        }),
      )
    })
  })
}
