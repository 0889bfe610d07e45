import { constants } from 'node:sqlite'

// Pragmas that take an argument and change nothing about the connection.
const HARMLESS_PRAGMAS: ReadonlySet<string> = new Set([
  'analysis_limit',
  'application_id',
  'foreign_key_check',
  'foreign_key_list',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'optimize',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
  'user_version',
])
const ROW_CHANGES: ReadonlySet<number> = new Set([constants.SQLITE_INSERT, constants.SQLITE_UPDATE, constants.SQLITE_DELETE])
const SCHEMA_CHANGES: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VTABLE,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VTABLE,
  constants.SQLITE_DROP_TEMP_TABLE,
  constants.SQLITE_DROP_TEMP_INDEX,
  constants.SQLITE_DROP_TEMP_VIEW,
  constants.SQLITE_DROP_TEMP_TRIGGER,
])

/**
 * What SQLite asks while it compiles a statement. While `userStatement` is set it refuses what would take the transaction out of
 * the library's hands: a COMMIT inside a body would make the transactions of others durable that may yet roll back, and a
 * setting of the connection would outlive the body that made it.
 */
export class StatementGuard {
  /** True while a statement of the user is compiled or runs. */
  userStatement = false
  /** Whether what was compiled since this was last set to false changes rows, or the schema. */
  changesRows = false
  changesSchema = false

  /** Called by SQLite for each action of a statement. */
  authorize(action: number, first: string | null, second: string | null): number {
    if (SCHEMA_CHANGES.has(action)) this.changesSchema = true
    else if (ROW_CHANGES.has(action) && first?.startsWith('sqlite_') !== true) this.changesRows = true
    return this.userStatement && isRefused(action, first, second) ? constants.SQLITE_DENY : constants.SQLITE_OK
  }
}

function isRefused(action: number, first: string | null, second: string | null): boolean {
  switch (action) {
    case constants.SQLITE_TRANSACTION:
    case constants.SQLITE_SAVEPOINT:
    case constants.SQLITE_ATTACH:
    case constants.SQLITE_DETACH:
      return true
    case constants.SQLITE_PRAGMA: {
      const name = first?.toLowerCase() ?? ''
      if (HARMLESS_PRAGMAS.has(name)) return false
      return second !== null || name === 'wal_checkpoint' || name === 'incremental_vacuum'
    }
    default:
      return false
  }
}
