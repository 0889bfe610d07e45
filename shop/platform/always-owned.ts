import type { OwnedWrites } from '@seaworthy/strangler/cut-over'

/** Writes of data that never moves. */
export const ALWAYS_OWNED: OwnedWrites = { assertOwned: async () => 0 }
