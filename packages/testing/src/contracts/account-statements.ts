import type { Database, Statement, Transaction } from 'seaworthy/core'
import { type TableProjection, tableProjection } from 'seaworthy/projections'

export interface AccountStatementsOptions {
  readonly version?: number
  /** What an amount counts for. */
  readonly worth?: (cents: number) => number
  /** Writes the rows of one event. Default: in the transaction. */
  readonly write?: (tx: Transaction, statements: readonly Statement[]) => Promise<void>
}

async function writeInTransaction(tx: Transaction, statements: readonly Statement[]): Promise<void> {
  for (const statement of statements) await tx.execute(statement)
}

/** Balances with how often they moved, and a line for each movement, which the database numbers. A transfer changes those of two accounts. */
export function accountStatements(
  dialect: Database['dialect'],
  { version = 1, worth = (cents) => cents, write = writeInTransaction }: AccountStatementsOptions = {},
): TableProjection {
  const [one, two, three] = dialect === 'postgres' ? ['$1', '$2', '$3'] : ['?1', '?2', '?3']
  const number = dialect === 'postgres' ? 'bigint GENERATED ALWAYS AS IDENTITY' : 'INTEGER PRIMARY KEY'
  type Names = { readonly balances: string; readonly movements: string }
  const move = ({ balances, movements }: Names, account: string, amount: number, at: number): readonly Statement[] => {
    const cents = worth(amount)
    return [
      { sql: `INSERT INTO ${movements} (account, cents, at) VALUES (${one}, ${two}, ${three})`, params: [account, cents, at] },
      {
        sql: `INSERT INTO ${balances} AS b (account, cents, moves) VALUES (${one}, ${two}, 1)
          ON CONFLICT (account) DO UPDATE SET cents = b.cents + ${two}, moves = b.moves + 1`,
        params: [account, cents],
      },
    ]
  }
  return tableProjection({
    name: 'statements',
    version,
    tables: {
      balances: { columns: 'account VARCHAR(40) PRIMARY KEY, cents BIGINT NOT NULL, moves BIGINT NOT NULL', key: 'account' },
      movements: {
        columns: `n ${number}, account VARCHAR(40) NOT NULL, cents BIGINT NOT NULL, at BIGINT NOT NULL`,
        indexes: ['account, at'],
        key: 'account',
        compared: ['cents', 'at'],
      },
    },
    keys: (event) => {
      const data = event.data as { from?: string; to?: string }
      return data.from === undefined ? [event.key] : [data.from, data.to!]
    },
    on: {
      deposited: (tx, { key, data, sequence }, tables) => write(tx, move(tables, key, (data as { cents: number }).cents, sequence)),
      transferred: (tx, { data, sequence }, tables) => {
        const { from, to, cents } = data as { from: string; to: string; cents: number }
        return write(tx, [...move(tables, from, -cents, sequence), ...move(tables, to, cents, sequence)])
      },
    },
  })
}
