import type { SchemaComponent } from '@seaworthy/postgres'
import type { Command } from '../command.ts'
import { columns } from '../terminal.ts'
import { UsageError, suggestion } from '../usage.ts'

const PREFIX = 'seaworthy.'

export const migrateCommand: Command = {
  name: 'migrate',
  summary: "brings the library's tables in a PostgreSQL database to their newest version, in one transaction",
  operands: [],
  options: {
    database: { value: 'URL', help: 'postgres://USER@HOST/DATABASE, of a role that may create tables' },
    components: { value: 'NAMES', help: 'outbox,inbox,… (those that the database has already)' },
    'dry-run': { help: 'prints the SQL, for a migration tool of your own, and changes nothing' },
  },
  async run({ values, flags }, { print }) {
    const { database: url } = values
    if (url === undefined || !/^postgres(?:ql)?:\/\//.test(url)) throw new UsageError('seaworthy migrate needs --database postgres://…')
    // Loaded here, because few commands need it.
    const { LIBRARY_SCHEMAS, migrate, migrationScript, openPostgresDatabase, schemaVersions } = await import('@seaworthy/postgres')
    const named = values.components === undefined ? undefined : componentsOf(values.components, LIBRARY_SCHEMAS)
    const database = await openPostgresDatabase({ connection: url })
    try {
      const versions = await schemaVersions(database)
      const components = named ?? LIBRARY_SCHEMAS.filter(({ component }) => versions.has(component))
      if (components.length === 0) {
        throw new UsageError(
          `This database has no tables of the library yet. Name what it shall have: --components ${namesOf(LIBRARY_SCHEMAS).join(',')}`,
        )
      }
      if (flags.has('dry-run')) {
        print(migrationScript(components, versions).trimEnd() || '-- Everything is at its newest version.')
        return 0
      }
      const done = new Map((await migrate(database, components)).map((migration) => [migration.component, migration]))
      const rows = components.map(({ component, versions: all }) => {
        const migration = done.get(component)
        return [component, migration === undefined ? `version ${all.length}, as before` : `version ${migration.from} to ${migration.to}`]
      })
      print(columns(rows, ''))
      return 0
    } finally {
      await database.close()
    }
  },
}

const namesOf = (components: readonly SchemaComponent[]) => components.map(({ component }) => component.slice(PREFIX.length))

/** @throws UsageError naming one that is unknown */
function componentsOf(text: string, known: readonly SchemaComponent[]): readonly SchemaComponent[] {
  const names = namesOf(known)
  return [...new Set(text.split(',').map((name) => name.trim()))].map((name) => {
    const index = names.indexOf(name)
    if (index === -1) throw new UsageError(`There is no component ${name}.${suggestion(name, names)} There are: ${names.join(', ')}.`)
    return known[index]!
  })
}
