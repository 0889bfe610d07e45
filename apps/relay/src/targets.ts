import { fileURLToPath } from 'node:url'
import { ConfigurationError } from 'seaworthy/core'
import type { EventLog } from 'seaworthy/messaging'
import { openSqliteEventLog } from 'seaworthy/sqlite'

export interface TargetOptions {
  /** Not a `URL`: several hosts are allowed. */
  readonly url: string
  /** The topics that are appended to. */
  readonly topics: readonly string[]
}

type Open = (options: TargetOptions) => Promise<EventLog>

/** Where a relay can take events, by the protocol of the URL. A target is one line, and its package is loaded when it is asked for. */
const TARGETS: Readonly<Record<string, Open>> = {
  'file:': ({ url, topics }) => openSqliteEventLog({ directory: fileURLToPath(new URL(url)), owns: topics }),
  'kafka:': async ({ url, topics }) => (await load<KafkaPackage>('@seaworthy/kafka')).openKafkaEventLog({ connection: url, owns: topics }),
}

interface KafkaPackage {
  openKafkaEventLog(options: { readonly connection: string; readonly owns: readonly string[] }): Promise<EventLog>
}

/** @throws ConfigurationError when there is no such target, or its package is not installed */
export function openTarget(options: TargetOptions): Promise<EventLog> {
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
