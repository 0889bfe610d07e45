import type { ClientBase } from 'pg'
import { IDENTIFY, type JoinedTransaction, joinTransaction, noTransaction } from './joined-transaction.ts'
import { rowTypes } from './values.ts'

const NAME = 'a transaction of a pg client'

/**
 * The open transaction of a `pg` client, for the stores of this package: `outbox.add(pgTransaction(client), …)` goes with your own COMMIT or ROLLBACK.
 * Make one for each transaction.
 * @throws ConfigurationError at the first use, when no transaction is open there: what is added would be committed alone
 */
export function pgTransaction(client: ClientBase): JoinedTransaction {
  // Older releases of pg do not tell, and a pool has no transaction at all: then the server is asked.
  const tells = typeof client.getTransactionStatus === 'function'
  return joinTransaction({
    name: NAME,
    ...(tells
      ? {
          assertOpen: () => {
            if (client.getTransactionStatus() === 'I') throw noTransaction(NAME)
          },
        }
      : { identify: () => identify(client) }),
    run: async (text, values) => {
      const { rows, rowCount } = await client.query<object>({ text, values: [...values], types: rowTypes })
      return { rows, rowCount: rowCount ?? 0 }
    },
  })
}

async function identify(client: ClientBase): Promise<string> {
  // Three statements without parameters, and so three results.
  const results = (await client.query(IDENTIFY)) as unknown as readonly { readonly rows: readonly { readonly xid: string }[] }[]
  return results.at(-1)!.rows[0]!.xid
}
