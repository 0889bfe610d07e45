import { join, resolve } from 'node:path'
import type { Arguments } from '../../arguments.ts'
import type { LockChange } from '../../events/lock-changes.ts'

export const eventsOptions = {
  root: { value: 'DIR', help: 'below which the contracts are: contract/events.ts, or files in contract/events/ (.)' },
  lock: { value: 'FILE', help: 'what was published (events.lock.json in the root)' },
} as const

export function eventsSettings({ values }: Arguments): { readonly root: string; readonly lockFile: string } {
  const root = resolve(values['root'] ?? '.')
  return { root, lockFile: values['lock'] === undefined ? join(root, 'events.lock.json') : resolve(values['lock']) }
}

export function describeChange({ event, version, field, what, remedy }: LockChange): string {
  return `${event}, version ${version}${field === '' ? '' : `, field ${field}`}: ${what}.\n    ${remedy}`
}
