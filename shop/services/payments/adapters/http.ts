import { type HttpServer, serve } from '@seaworthy/rpc/rest'
import type { Database } from 'seaworthy/core'
import type { RunningProjection } from 'seaworthy/projections'
import { paymentsAudit } from '../contract/rest.ts'
import { CARD_CLEARING } from '../domain/ledger.ts'
import { readLedger } from './balances.ts'

export function serveAudit(server: HttpServer, { database, balances }: { database: Database; balances: RunningProjection }): void {
  serve(server, paymentsAudit, {
    getLedger: async () => {
      const { positions } = await balances.lag()
      const { sumCents, balanceCents } = await readLedger(database, CARD_CLEARING)
      return { status: 200, body: { sumCents, cardClearingCents: balanceCents, behind: positions } }
    },
  })
}
