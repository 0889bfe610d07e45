import { accountsWorld } from './accounts.ts'
import { checkoutWorld } from './checkout.ts'
import { cutOverWorld } from './cut-over.ts'
import { inboxWorld } from './inbox.ts'
import { leaseWorld } from './lease.ts'
import { mailingWorld } from './mailing.ts'
import { outboxInboxWorld } from './outbox-inbox.ts'
import { parkingWorld } from './parking.ts'
import { poisonWorld } from './poison.ts'
import { postgresOutboxWorld } from './postgres-outbox.ts'
import { projectionWorld } from './projection.ts'
import { rebuildWorld } from './rebuild.ts'
import { relayWorld } from './relay.ts'
import { sagaRetentionWorld } from './saga-retention.ts'
import { sagaWorkersWorld } from './saga-workers.ts'
import { sagasWorld } from './sagas.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { statementsWorld } from './statements.ts'
import { tablesWorld } from './tables.ts'
import { topUpWorld } from './top-up.ts'
import { refusedTripsWorld, tripsWorld } from './trips.ts'

/** A world for every chapter of the library that keeps state. */
export const worlds: readonly SimulatedWorld[] = [
  outboxInboxWorld(),
  postgresOutboxWorld(),
  relayWorld(),
  inboxWorld(),
  poisonWorld(),
  mailingWorld(),
  checkoutWorld(),
  sagasWorld(),
  tripsWorld(),
  refusedTripsWorld(),
  sagaRetentionWorld(),
  sagaWorkersWorld(),
  accountsWorld(),
  statementsWorld(),
  projectionWorld(),
  rebuildWorld(),
  tablesWorld(),
  parkingWorld(),
  leaseWorld(),
  topUpWorld(),
  cutOverWorld(),
  cutOverWorld({ isTold: true }),
]

/** Worlds that are small enough for every pair of faults. */
export const deepWorlds: readonly SimulatedWorld[] = [
  outboxInboxWorld({}, { customers: { ada: 1 }, hasty: [] }),
  checkoutWorld({}, [{ id: 'fine', pieces: 2, cents: 700, card: 'ok', afterMs: 0, ends: ['completed'] }]),
  statementsWorld({}, { accounts: ['ada'], commandsPerAccount: 2, rebuild: false }),
]
