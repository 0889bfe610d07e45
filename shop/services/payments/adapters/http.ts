import type { Database } from 'seaworthy/core'
import type { RunningProjection } from 'seaworthy/projections'
import type { ServeRest } from '../../../platform/service-ports.ts'
import { paymentsAudit } from '../contract/rest.ts'
import { CARD_CLEARING } from '../domain/ledger.ts'
import { readLedger } from './balances.ts'

export function serveAudit(serve: ServeRest, { database, balances }: { database: Database; balances: RunningProjection }): void {
  serve(paymentsAudit, {
    getLedger: async () => {
      const { positions } = await balances.lag()
      const { sumCents, balanceCents } = await readLedger(database, CARD_CLEARING)
      return { status: 200, body: { sumCents, cardClearingCents: balanceCents, behind: positions } }
    },
  })
}
