import * as fc from 'fast-check'
import {
  type Condition,
  type PostgresStatement,
  type Schema,
  advisoryLock,
  and,
  begin,
  column,
  commit,
  compare,
  currentXid,
  deleteFrom,
  equals,
  evaluation,
  excluded,
  insert,
  isIn,
  isNull,
  listen,
  nextval,
  not,
  notify,
  or,
  plus,
  rollback,
  select,
  snapshotXmin,
  tryAdvisoryLock,
  unlisten,
  update,
} from '../../src/postgres-model/index.ts'

/** Two small tables: rows that sessions fight over, and a log that is numbered by a sequence. */
export const schema: Schema = {
  sequences: ['log_position'],
  tables: {
    item: {
      columns: { id: { type: 'bigint' }, name: { type: 'text', nullable: true }, n: { type: 'bigint' } },
      primaryKey: ['id'],
      unique: [['name']],
      check: compare(column('n'), '>=', 0),
    },
    log: {
      columns: {
        position: { type: 'bigint', default: nextval('log_position') },
        xid: { type: 'bigint', default: currentXid() },
        note: { type: 'text', nullable: true },
      },
      primaryKey: ['position'],
    },
  },
}

export interface Step {
  readonly session: number
  readonly statement: PostgresStatement
}

export const SESSIONS = 4

const id = fc.constantFrom(1, 1, 1, 2, 2, 3, 4)
const name = fc.constantFrom('a', 'b', 'c', null, null)
const n = fc.constantFrom(0, 1, 2, 3)
// Mostly rows that are not there yet, so that inserts meet each other more often than what is there.
const row = fc.record({ id: fc.constantFrom(3, 4, 4, 5, 5), name: fc.constantFrom('b', 'c', null, null, null, null), n })

const where: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 5, arbitrary: id.map((value) => equals('id', value)) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b', 'c').map((value) => equals('name', value)) },
  { weight: 3, arbitrary: n.map((value) => compare(column('n'), '>=', value)) },
  { weight: 1, arbitrary: n.map((value) => not(equals('n', value))) },
  { weight: 1, arbitrary: fc.constant(isNull(column('name'))) },
  { weight: 1, arbitrary: fc.tuple(id, n).map(([i, value]) => and(compare(column('id'), '>', i), equals('n', value))) },
  { weight: 1, arbitrary: fc.tuple(id, n).map(([i, value]) => or(equals('id', i), compare(column('n'), '<', value))) },
  { weight: 1, arbitrary: fc.constant(isIn(column('id'), [1, 3])) },
)
const maybeWhere = fc.option(where, { nil: undefined }).map((condition) => (condition === undefined ? {} : { where: condition }))

const set = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ n: plus(column('n'), 1) }) },
  { weight: 2, arbitrary: fc.constant({ n: plus(column('n'), -1) }) },
  { weight: 2, arbitrary: n.map((value) => ({ n: value })) },
  { weight: 1, arbitrary: name.map((value) => ({ name: value })) },
  { weight: 1, arbitrary: fc.constant({ id: plus(column('id'), 1) }) },
  { weight: 1, arbitrary: id.map((value) => ({ id: value })) },
)

const upsertWhere = fc.option(fc.constantFrom(compare(column('n'), '<', 2), compare(excluded('n'), '>', column('n'))), { nil: undefined })
const conflict = fc.oneof(
  fc.constantFrom({ do: 'nothing' as const }, { do: 'nothing' as const, target: ['id'] }, { do: 'nothing' as const, target: ['name'] }),
  fc
    .tuple(fc.constantFrom('id', 'name'), fc.constantFrom({ n: plus(column('n'), excluded('n')) }, { name: excluded('name') }), upsertWhere)
    .map(([target, assignments, condition]) => ({
      do: 'update' as const,
      target: [target],
      set: assignments,
      ...(condition === undefined ? {} : { where: condition }),
    })),
)

const forUpdate = fc.constantFrom('wait' as const, 'wait' as const, 'skip-locked' as const, 'nowait' as const)
const byId = [{ column: 'id' }]
const byNumber = [{ column: 'n', descending: true }, { column: 'id' }]
const order = fc.constantFrom({}, { orderBy: byId }, { orderBy: byNumber })
const limit = fc.constantFrom({}, { limit: 1 }, { limit: 2 })
const returning = fc.constantFrom({}, { returning: ['id', 'n'] }, { returning: ['n', 'name', 'id'] })
const advisoryKey = fc.constantFrom(1, 2)
const channel = fc.constantFrom('orders', 'payments')

const statement: fc.Arbitrary<PostgresStatement> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.tuple(fc.array(row, { minLength: 1, maxLength: 2 }), returning).map(([rows, rest]) => insert('item', rows, rest)),
  },
  {
    weight: 12,
    arbitrary: fc
      .tuple(fc.array(row, { minLength: 1, maxLength: 2 }), conflict, returning)
      .map(([rows, onConflict, rest]) => insert('item', rows, { onConflict, ...rest })),
  },
  { weight: 34, arbitrary: fc.tuple(set, maybeWhere, returning).map(([to, which, rest]) => update('item', to, { ...which, ...rest })) },
  { weight: 9, arbitrary: fc.tuple(maybeWhere, returning).map(([which, rest]) => deleteFrom('item', { ...which, ...rest })) },
  { weight: 6, arbitrary: fc.tuple(maybeWhere, order, limit).map((parts) => select('item', Object.assign({}, ...parts))) },
  {
    weight: 26,
    arbitrary: fc
      .tuple(maybeWhere, order, limit, forUpdate)
      .map(([which, ordered, limited, wait]) => select('item', { ...which, ...ordered, ...limited, forUpdate: wait })),
  },
  { weight: 7, arbitrary: name.map((note) => insert('log', [{ note }], { returning: ['position', 'xid'] })) },
  { weight: 3, arbitrary: fc.constant(select('log', { orderBy: [{ column: 'position' }] })) },
  { weight: 3, arbitrary: fc.constant(select('log', { where: compare(column('xid'), '<', snapshotXmin()) })) },
  { weight: 2, arbitrary: fc.constant(evaluation(nextval('log_position'))) },
  { weight: 3, arbitrary: fc.constant(evaluation(snapshotXmin())) },
  { weight: 1, arbitrary: fc.constant(evaluation(currentXid())) },
  { weight: 4, arbitrary: advisoryKey.map(advisoryLock) },
  { weight: 2, arbitrary: advisoryKey.map(tryAdvisoryLock) },
  { weight: 2, arbitrary: channel.map(listen) },
  { weight: 1, arbitrary: channel.map(unlisten) },
  { weight: 3, arbitrary: fc.tuple(channel, fc.constantFrom('', 'one', "o'ne")).map(([to, payload]) => notify(to, payload)) },
)

const block = fc
  .tuple(fc.array(statement, { minLength: 1, maxLength: 4, size: 'max' }), fc.constantFrom(commit, commit, commit, rollback))
  .map(([statements, end]) => [begin, ...statements, end])
const script = fc
  .array(fc.oneof({ weight: 4, arbitrary: block }, { weight: 1, arbitrary: statement.map((alone) => [alone]) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.flat())

/** What each session does one after another, and whose turn it is. A turn of a session that waits is passed over. */
export interface Program {
  readonly scripts: readonly (readonly PostgresStatement[])[]
  readonly turns: readonly number[]
}

export const program: fc.Arbitrary<Program> = fc.noBias(
  fc.record({
    scripts: fc.array(script, { minLength: 3, maxLength: SESSIONS, size: 'max' }),
    turns: fc.array(fc.nat(SESSIONS - 1), { minLength: 30, maxLength: 60, size: 'max' }),
  }),
)

/** What is in the tables when a program begins. */
export const preparation: PostgresStatement = insert('item', [
  { id: 1, name: 'a', n: 1 },
  { id: 2, n: 2 },
  { id: 3, n: 1 },
])
