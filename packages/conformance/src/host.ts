/** The process in which the kit runs a function of an adapter: `host.ts ADAPTER_URL relay|consumer`. */
import { installClockShift } from './clock-shift.ts'
import { ExchangeClient } from './exchange-client.ts'
import { handle } from './handler.ts'
import { loadAdapter } from './load-adapter.ts'

const shiftClock = installClockShift()
process.on('message', (message: { readonly shiftMs: number }) => shiftClock(message.shiftMs))
// The kit is gone.
process.on('disconnect', () => process.exit(1))

const [url = '', role = ''] = process.argv.slice(2)
const setting = (name: string): string => process.env[`CONFORMANCE_${name}`] ?? ''
const adapter = await loadAdapter(url)
const instance = setting('INSTANCE')
const databaseUrl = setting('DATABASE_URL')
const exchange = new ExchangeClient(setting('EXCHANGE_URL'), instance)

// Only a kill ends it: a product that has nothing to wait for just now still has its process.
setInterval(() => undefined, 60_000)
if (role === 'relay' && 'run' in adapter.relay) {
  await adapter.relay.run({ databaseUrl, instance, publish: (messages) => exchange.publish(messages) })
} else if (role === 'consumer' && 'run' in adapter.consumer) {
  await adapter.consumer.run({
    databaseUrl,
    instance,
    log: exchange,
    handle: (event, execute) => handle(event, execute, instance),
    limits: {
      attemptsMax: Number(setting('ATTEMPTS_MAX')),
      handlerTimeoutMs: Number(setting('HANDLER_TIMEOUT_MS')),
      windowMs: Number(setting('WINDOW_MS')),
    },
  })
}
process.send?.('running')
