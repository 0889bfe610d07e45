import { setImmediate } from 'node:timers/promises'
import {
  type PostgresModelOptions,
  type PostgresStatement,
  type Schema,
  type Session,
  PostgresModel,
  begin,
  column,
  compare,
  insert,
  nextval,
} from '../../src/postgres-model/index.ts'

const schema: Schema = {
  sequences: ['entry_position'],
  tables: {
    item: {
      columns: { id: { type: 'bigint' }, name: { type: 'text', nullable: true }, n: { type: 'bigint' } },
      primaryKey: ['id'],
      unique: [['name']],
      check: compare(column('n'), '>=', 0),
    },
    entry: {
      columns: { position: { type: 'bigint', default: nextval('entry_position') }, note: { type: 'text' } },
      primaryKey: ['position'],
    },
  },
}

/** A model with the rows 1, 2 and 3 in the table `item`, each with n = 10. */
export async function tableOfRows(options: PostgresModelOptions = {}): Promise<PostgresModel> {
  const model = new PostgresModel(schema, options)
  await model.connect().execute(
    insert(
      'item',
      [1, 2, 3].map((id) => ({ id, n: 10 })),
    ),
  )
  return model
}

/** Sessions of these names, each in a transaction. */
export async function inTransactions(model: PostgresModel, ...names: readonly string[]): Promise<Session[]> {
  const sessions = names.map((name) => model.connect(name))
  for (const session of sessions) await session.execute(begin)
  return sessions
}

/** What became of a statement: `waits` until something lets it go on. */
export interface Attempt {
  outcome: 'waits' | { readonly rows: readonly unknown[]; readonly rowCount: number } | { readonly error: string }
}

/** Starts a statement without waiting for its end. Look at it after {@link settled}. */
export function attempt(session: Session, statement: PostgresStatement): Attempt {
  const started: Attempt = { outcome: 'waits' }
  session.execute(statement).then(
    ({ rows, rowCount }) => (started.outcome = { rows, rowCount }),
    (error: unknown) => (started.outcome = { error: (error as { code?: string }).code ?? String(error) }),
  )
  return started
}

/** Settles once all promises that can go on have done so. */
export async function settled(): Promise<void> {
  await setImmediate()
}
