import { NotFoundError } from 'seaworthy/core'
import type { Command } from '../../command.ts'
import { declaredEvents } from '../../events/contracts.ts'
import { readLock } from '../../events/event-lock.ts'
import { lockChanges } from '../../events/lock-changes.ts'
import { describeChange, eventsOptions, eventsSettings } from './settings.ts'

export const checkEvents: Command = {
  name: 'events check',
  summary: 'fails when a published event changed so that somebody could not read it; for CI',
  operands: [],
  options: eventsOptions,
  async run(args, { print, printError }) {
    const { root, lockFile } = eventsSettings(args)
    const lock = readLock(lockFile)
    if (lock === undefined) throw new NotFoundError(`There is no ${lockFile}. Run seaworthy events lock, and commit what it writes.`)
    const declared = await declaredEvents(root)
    const changes = lockChanges(lock, declared)
    for (const change of changes) printError(describeChange(change))
    const versions = Object.values(declared).reduce((sum, each) => sum + Object.keys(each).length, 0)
    const breaking = changes.filter(({ kind }) => kind === 'breaking').length
    if (changes.length === 0) print(`${versions} versions of ${Object.keys(declared).length} events are as they were published.`)
    else printError(`${breaking} breaking changes, ${changes.length - breaking} that are not locked yet.`)
    return changes.length === 0 ? 0 : 1
  },
}
