import type { Command } from '../../command.ts'
import { declaredEvents } from '../../events/contracts.ts'
import { readLock, writeLock } from '../../events/event-lock.ts'
import { lockChanges } from '../../events/lock-changes.ts'
import { describeChange, eventsOptions, eventsSettings } from './settings.ts'

export const lockEvents: Command = {
  name: 'events lock',
  summary: 'writes down the schemas of all events, which are published from then on; refuses what breaks one',
  operands: [],
  options: { ...eventsOptions, force: { help: 'also what breaks one: only for a version that was never published' } },
  async run(args, { print, printError }) {
    const { root, lockFile } = eventsSettings(args)
    const lock = readLock(lockFile) ?? {}
    const declared = await declaredEvents(root)
    const changes = lockChanges(lock, declared)
    const breaking = changes.filter(({ kind }) => kind === 'breaking')
    if (breaking.length > 0 && !args.flags.has('force')) {
      for (const change of breaking) printError(describeChange(change))
      printError(`Nothing was written. If none of these was ever published, --force locks them as they are.`)
      return 1
    }
    if (changes.length === 0) {
      print(`${lockFile} is up to date.`)
      return 0
    }
    writeLock(lockFile, declared)
    print(`${lockFile}: ${changes.length} changes. Commit it.`)
    return 0
  },
}
