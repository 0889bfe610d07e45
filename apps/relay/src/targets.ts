import { fileURLToPath } from 'node:url'
import { ConfigurationError } from 'seaworthy/core'
import type { AppendOnlyLog } from 'seaworthy/messaging'
import { openSqliteEventLog } from 'seaworthy/sqlite'

export interface TargetOptions {
  /** Not a `URL`: several hosts are allowed. */
  readonly url: string
  /** The topics that are appended to. */
  readonly topics: readonly string[]
}

type Open = (options: TargetOptions) => Promise<AppendOnlyLog>

/** Where a relay can take events, by the protocol of the URL. A target is one line, and its package is loaded when it is asked for. */
const TARGETS: Readonly<Record<string, Open>> = {
  'file:': ({ url, topics }) => openSqliteEventLog({ directory: fileURLToPath(new URL(url)), owns: topics }),
  'kafka:': async ({ url, topics }) => (await load<KafkaPackage>('@seaworthy/kafka')).openKafkaEventLog({ connection: url, owns: topics }),
  'amqp:': openExchanges,
  'amqps:': openExchanges,
}

async function openExchanges({ url, topics }: TargetOptions): Promise<AppendOnlyLog> {
  const rabbitMq = await load<RabbitMqPackage>('@seaworthy/rabbitmq')
  const broker = await rabbitMq.openRabbitMqBroker({ url, name: 'seaworthy relay' })
  try {
    const exchanges = await rabbitMq.openRabbitMqExchanges(broker, { topics })
    const close = async () => {
      await exchanges.close()
      await broker.close()
    }
    return { append: (topic, events) => exchanges.append(topic, events), close }
  } catch (error) {
    await broker.close()
    throw error
  }
}

interface Broker {
  close(): Promise<void>
}

interface RabbitMqPackage {
  openRabbitMqBroker(options: { readonly url: string; readonly name: string }): Promise<Broker>
  openRabbitMqExchanges(broker: Broker, options: { readonly topics: readonly string[] }): Promise<AppendOnlyLog>
}

interface KafkaPackage {
  openKafkaEventLog(options: { readonly connection: string; readonly owns: readonly string[] }): Promise<AppendOnlyLog>
}

/** @throws ConfigurationError when there is no such target, or its package is not installed */
export function openTarget(options: TargetOptions): Promise<AppendOnlyLog> {
  const protocol = options.url.slice(0, options.url.indexOf('//'))
  const open = Object.hasOwn(TARGETS, protocol) ? TARGETS[protocol] : undefined
  if (open === undefined) {
    const known = Object.keys(TARGETS).map((name) => `${name}//`)
    return Promise.reject(new ConfigurationError(`A relay takes events to ${known.join(' or ')}, not to ${protocol}//.`))
  }
  return open(options)
}

/** A package that only some relays need, and so is no dependency of this one. */
async function load<Package>(name: string): Promise<Package> {
  try {
    return (await import(name)) as Package
  } catch (cause) {
    throw new ConfigurationError(
      `This target needs ${name}, which could not be loaded. Install it beside the relay: npm install ${name}.`,
      { cause },
    )
  }
}
