import { type Statement, ConfigurationError, SeaworthyError } from 'seaworthy/core'
import type { PostgresDatabase } from './database.ts'

/** Why replication cannot go on as it was. */
export type SlotLoss =
  /** There is no such slot: it was dropped or never made, or this server was restored from a dump or took over without it. */
  | 'missing'
  /** The server gave it up, because it held more than `max_slot_wal_keep_size`. */
  | 'invalidated'
  /** It belongs to another database or another plug-in. */
  | 'foreign'
  /** Its publication is gone. */
  | 'publication-missing'
  /** It was dropped and made again: it begins after what was received last. */
  | 'recreated'
  /** Another server answers, or another one was promoted. */
  | 'server-changed'

/** Replication cannot wake the relay, or may have passed over something. Nothing is lost: the relay reads the table, and looks by itself. */
export class ReplicationSlotError extends SeaworthyError {
  readonly slot: string
  readonly loss: SlotLoss

  constructor(slot: string, loss: SlotLoss, message: string, options: { cause?: unknown } = {}) {
    super('replication-slot', message, { executed: 'no', final: false, ...options })
    this.slot = slot
    this.loss = loss
  }
}

export interface SlotNames {
  /** Default `seaworthy_outbox`. One for each relay process that is woken in this way. */
  readonly slot?: string
  /** Default `seaworthy_outbox`. */
  readonly publication?: string
}

const DEFAULT_NAME = 'seaworthy_outbox'

// Which server this is, and the slot and the publication, by their names.
const LOOK = `SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS server,
    s.slot_name IS NOT NULL AS exists, s.plugin = 'pgoutput' AND s.database = current_database() AS is_ours, s.wal_status = 'lost' AS is_lost, s.active,
    s.confirmed_flush_lsn::text AS confirmed, s.confirmed_flush_lsn > $3::pg_lsn AS is_ahead,
    EXISTS (SELECT FROM pg_publication WHERE pubname = $2) AS is_published
  FROM (VALUES ($1)) AS n (name) LEFT JOIN pg_replication_slots s ON s.slot_name = n.name`
const SELECT_PUBLICATION = 'SELECT pubname FROM pg_publication WHERE pubname = $1'
const SELECT_SLOT = 'SELECT slot_name FROM pg_replication_slots WHERE slot_name = $1'
const CREATE_SLOT = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')"
const DROP_SLOT = 'SELECT pg_drop_replication_slot($1) FROM pg_replication_slots WHERE slot_name = $1'
const SELECT_VERSION = "SELECT current_setting('server_version_num')::int AS version"
// From this version on a publication can leave columns out.
const COLUMN_LISTS = 150_000
const NAME = /^[a-z0-9_]{1,63}$/

interface SlotLook {
  readonly server: string
  readonly exists: boolean
  readonly is_ours: boolean | null
  readonly is_lost: boolean | null
  readonly active: boolean | null
  readonly confirmed: string | null
  readonly is_ahead: boolean | null
  readonly is_published: boolean
}

/** @param received up to where something was received before, as an LSN */
export async function lookAtSlot(database: PostgresDatabase, names: Required<SlotNames>, received: string | undefined): Promise<SlotLook> {
  const statement: Statement = { sql: LOOK, params: [names.slot, names.publication, received ?? null] }
  const [row] = await database.query<SlotLook>(statement)
  return row!
}

/**
 * Makes the publication of the outbox and a slot that reads it, where they are missing. Once, when replication is set up: a slot that is gone later is not
 * made again by itself. The server needs `wal_level = logical`, the role the attribute REPLICATION. Set `max_slot_wal_keep_size` too: a slot that nobody
 * reads keeps the server's log for ever.
 * @throws PostgresError when the server or the role does not allow it
 */
export async function createOutboxReplication(database: PostgresDatabase, options: SlotNames = {}): Promise<void> {
  const { slot, publication } = namesOf(options)
  const [published] = await database.query({ sql: SELECT_PUBLICATION, params: [publication] })
  if (published === undefined) {
    const [row] = await database.query<{ version: number }>({ sql: SELECT_VERSION })
    // The topic is all that is needed to wake somebody.
    const columns = row!.version >= COLUMN_LISTS ? ' (topic)' : ''
    const sql = `CREATE PUBLICATION ${publication} FOR TABLE seaworthy_outbox${columns} WITH (publish = 'insert')`
    await database.transaction(async (tx) => void (await tx.execute({ sql })))
  }
  const [existing] = await database.query({ sql: SELECT_SLOT, params: [slot] })
  if (existing === undefined) await database.query({ sql: CREATE_SLOT, params: [slot] })
}

/** Removes both. Until then the slot keeps the server's log. */
export async function dropOutboxReplication(database: PostgresDatabase, options: SlotNames = {}): Promise<void> {
  const { slot, publication } = namesOf(options)
  await database.query({ sql: DROP_SLOT, params: [slot] })
  await database.transaction(async (tx) => void (await tx.execute({ sql: `DROP PUBLICATION IF EXISTS ${publication}` })))
}

/** @throws ConfigurationError when a name would have to be quoted */
export function namesOf({ slot = DEFAULT_NAME, publication = DEFAULT_NAME }: SlotNames): Required<SlotNames> {
  for (const name of [slot, publication]) {
    if (!NAME.test(name))
      throw new ConfigurationError(`The name of a slot or publication has small letters, digits and _, 63 at most, unlike ${name}.`)
  }
  return { slot, publication }
}
