import type { ConformanceTest } from '../conformance-test.ts'
import { backlogCost } from './backlog-cost.ts'
import { bloat } from './bloat.ts'
import { clockJump } from './clock-jump.ts'
import { kill } from './kill.ts'
import { lateCommit } from './late-commit.ts'
import { longTransaction } from './long-transaction.ts'
import { manyAppenders } from './many-appenders.ts'
import { orderPerKey } from './order-per-key.ts'
import { poison } from './poison.ts'
import { redelivery } from './redelivery.ts'
import { skipLocked } from './skip-locked.ts'
import { slotLoss } from './slot-loss.ts'
import { twoConnections } from './two-connections.ts'
import { twoRelays } from './two-relays.ts'
import { walBeforeVisible } from './wal-before-visible.ts'
import { zombieRelay } from './zombie-relay.ts'

/** The sixteen, in the order in which they are put. */
export const OUTBOX_TESTS: readonly ConformanceTest[] = [
  lateCommit,
  orderPerKey,
  longTransaction,
  skipLocked,
  walBeforeVisible,
  backlogCost,
  kill,
  twoConnections,
  redelivery,
  poison,
  bloat,
  twoRelays,
  zombieRelay,
  clockJump,
  slotLoss,
  manyAppenders,
]
