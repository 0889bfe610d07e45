/**
 * A program of somebody else that uses inventory's database: `job-process.ts NAME COLLECTOR_URL DATABASE`. It counts stock in one transaction, and keeps
 * that open for as long as it is told: because it asks somebody over the network in the middle, say.
 */
import { startTelemetry } from '@seaworthy/telemetry'
import { observed, systemClock } from 'seaworthy/core'
import type { Order, Report } from './messages.ts'
import { Stock } from './stock.ts'

const [name, otlpUrl, database] = process.argv.slice(2) as [string, string, string]
const report = (message: Report) => void (process.connected && process.send?.(message))
process.once('disconnect', () => process.exit())
startTelemetry({ service: name, instance: `${name}-1`, otlpUrl, logLevel: 'silent' })

const stock = await Stock.open(database, { isOwner: false })
const jobs = observed('lab.job')
let release: (() => void) | undefined
process.on('message', (order: Order) => {
  if (order.kind === 'release') release?.()
  if (order.kind === 'hold') void hold(order.skus)
})
report({ kind: 'listening', url: '' })

async function hold(skus: readonly string[]): Promise<void> {
  const { promise: until, resolve } = Promise.withResolvers<void>()
  release = resolve
  const counting = (index: number) => report({ kind: 'counting', index })
  await jobs.run(
    () => ({ name: `${name} counts`, kind: 'internal', attributes: {} }),
    () => stock.recount(skus, until, counting),
  )
  report({ kind: 'released', atMs: systemClock.now() })
}
