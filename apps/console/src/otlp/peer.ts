import { KIND } from './model.ts'
import type { AttributeText } from './outcome.ts'

/** Whom a span had to do with, as far as it says itself: `database:sqlite orders.sqlite`, `topic:orders`, `address:127.0.0.1:4711`. */
export type Peer = `${'database' | 'topic' | 'address'}:${string}`

const LENGTH_MAX = 200

/** By today's names of the attributes or by those before them; undefined when it says nothing. */
export function peerOf(kind: number, attribute: AttributeText): Peer | undefined {
  const system = attribute('db.system.name') ?? attribute('db.system')
  if (system !== undefined && kind !== KIND.server) {
    const name = attribute('db.namespace') ?? attribute('db.name') ?? attribute('server.address') ?? attribute('net.peer.name') ?? ''
    return `database:${`${system} ${name}`.trim().slice(0, LENGTH_MAX)}`
  }
  const destination = attribute('messaging.destination.name') ?? attribute('messaging.destination')
  if (destination !== undefined && (kind === KIND.producer || kind === KIND.consumer)) return `topic:${destination.slice(0, LENGTH_MAX)}`
  if (kind !== KIND.client) return undefined
  const named = attribute('peer.service')
  if (named !== undefined) return `address:${named.slice(0, LENGTH_MAX)}`
  const host = attribute('server.address') ?? attribute('net.peer.name')
  const port = attribute('server.port') ?? attribute('net.peer.port')
  return host === undefined ? undefined : `address:${(port === undefined ? host : `${host}:${port}`).slice(0, LENGTH_MAX)}`
}
