import { committed, effects, openListener, openLog, openPublisher } from './shop.ts'

/**
 * What the process test starts and kills: `publish` counts keys up to a total and relays; `listen` handles. Each ends by itself when the parent
 * is gone, and says `done` when nothing is left to do.
 */
const [role = '', folder = '', limit = '0'] = process.argv.slice(2)
process.on('disconnect', () => process.exit(1))
const say = (line: string) => process.stdout.write(`${line}\n`)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const total = Number(limit)
const sum = (counters: Record<string, number>) => Object.values(counters).reduce((all, n) => all + n, 0)

if (role === 'publish') {
  const publisher = await openPublisher(folder)
  const log = await openLog(folder, ['things'])
  publisher.startRelay(log)
  say('ready')
  for (let count = sum(await committed(publisher.database)); count < total; count++) {
    await publisher.count(`key-${count % 5}`)
    // Slow enough that the kills fall into the work, and not after it.
    await pause(1)
  }
  while ((await publisher.store.backlog()).messages > 0) await pause(5)
  say('done')
} else {
  const listener = await openListener(folder, { concurrencyMax: 4 })
  const log = await openLog(folder, [])
  await listener.start(log)
  say('ready')
  const handled = async () => Object.values(await effects(listener.database)).reduce((all, list) => all + list.length, 0)
  while ((await handled()) < total) await pause(5)
  say('done')
}
