import type { TracingChannelSubscribers } from 'node:diagnostics_channel'
import { type Operation, type OperationChannel, watchOperations } from 'seaworthy/core'
import { labelOf } from './counted-point.ts'
import type { Reach } from './crash-at.ts'

/** Clients announce each call where it leaves; that is early enough, and no client need be wrapped. */
const CLIENTS: ReadonlySet<string> = new Set(['grpc.client', 'http.client'])

/** Points where a call leaves. @returns a function that stops it */
export function callPoints(reach: Reach, calleeAt: (port: number) => string | undefined): () => void {
  const subscribers: Pick<TracingChannelSubscribers<Operation>, 'start'> = {
    start(operation) {
      const callee = calleeAt(Number(operation.attributes['server.port']))
      if (callee !== undefined) reach(`transport:${labelOf(`${callee}.${methodOf(operation)}`)}:request`)
    },
  }
  const listened: OperationChannel[] = []
  const stopWatching = watchOperations((name, channel) => {
    if (!CLIENTS.has(name)) return
    channel.subscribe(subscribers as TracingChannelSubscribers<Operation>)
    listened.push(channel)
  })
  return () => {
    stopWatching()
    for (const channel of listened) channel.unsubscribe(subscribers as TracingChannelSubscribers<Operation>)
  }
}

/** `reserve` for a gRPC method, as its client's function is called; `GET-/products/{id}` for a route, which has no such name on the wire. */
function methodOf({ name, attributes }: Operation): string {
  const method = attributes['rpc.method']
  if (typeof method !== 'string') return name
  const last = method.slice(method.lastIndexOf('/') + 1)
  return last.charAt(0).toLowerCase() + last.slice(1)
}

/** Points where the work of a handler is done and its answer has not left. A refusal is an answer too. */
export function replyPoints<Handlers extends Readonly<Record<string, (...args: never[]) => unknown>>>(
  handlers: Handlers,
  reach: Reach,
): Handlers {
  const wrapped = Object.entries(handlers).map(([method, handler]) => [
    method,
    async (...args: never[]) => {
      try {
        return await handler(...args)
      } finally {
        reach(`transport:${labelOf(method)}:reply`)
      }
    },
  ])
  return Object.fromEntries(wrapped) as Handlers
}
