/** Shares are kept to a hundredth of a percent. */
export const BUCKETS = 10_000

/**
 * The bucket of a user, from 0 to 9,999, the same at every gateway and after every restart. A share of 10 % takes the buckets below 1,000, so that
 * whoever was moved at 10 % stays moved at 50 %. FNV-1a, and the finalizer of MurmurHash3, without which keys that differ at their end alone lie together.
 */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  hash ^= hash >>> 16
  return Math.floor(((hash >>> 0) / 0x1_0000_0000) * BUCKETS)
}
