import type { MovingWrites } from './service-ports.ts'

/** Writes of data that never moves. */
export const ALWAYS_OWNED: MovingWrites = { assertOwned: async () => 0, copied: async () => undefined, seen: async () => undefined }
