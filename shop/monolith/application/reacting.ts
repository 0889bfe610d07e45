import type { Transaction } from 'seaworthy/core'
import { type HandlerOfTypes, handlers } from 'seaworthy/messaging'
import { followsReviews, type Module } from '../domain/modules.ts'
import { settingLimit } from './customers.ts'
import type { Ownership } from './ownership.ts'
import { followingReviews } from './following-reviews.ts'

/** What the modules that are left do about the events of others. */
export function reacting(modules: readonly Module[], owned: { readonly customers: Ownership }): HandlerOfTypes<[Transaction]> {
  const listed = [
    ...(modules.includes('customers') ? [settingLimit(owned.customers)] : []),
    ...(followsReviews(modules) ? followingReviews : []),
  ]
  return handlers(listed, { others: 'ignore' })
}
