import { constants, getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from 'seaworthy/core'
import { httpAsk } from './http-ask.ts'
import { defaultShadowLimits, Shadow } from './shadow.ts'
import type { FromShadow, RouteMessage, ShadowThreadData, ToShadow } from './shadow-messages.ts'

/** Asks, parses and compares on a thread of its own, so that no client waits while it does. */
const shadows = new Map<string, { readonly shadow: Shadow; readonly close: () => void }>()
const { outstanding } = workerData as ShadowThreadData
const tell = (message: FromShadow) => parentPort?.postMessage(message, [])
const done = () => void Atomics.sub(outstanding, 0, 1)

giveWay()

parentPort?.on('message', (message: ToShadow) => {
  switch (message.type) {
    case 'route':
      remove(message.id)
      shadows.set(message.id, open(message.route))
      return
    case 'remove':
      remove(message.id)
      return
    case 'offer': {
      const there = shadows.get(message.id)
      if (there === undefined) done()
      else there.shadow.offer(message, done)
      return
    }
    case 'report': {
      const reports = Object.fromEntries([...shadows].map(([id, { shadow }]) => [id, shadow.report()]))
      tell({ type: 'report', question: message.question, reports })
    }
  }
})

/**
 * Clients have the processor first. On Linux a thread has a priority of its own, and 0 names the one that asks; elsewhere it would be the whole process. Not the
 * lowest: it may have to run on before the proxy can, which waits when both are at the queue between them.
 */
function giveWay(): void {
  const { PRIORITY_BELOW_NORMAL } = constants.priority
  try {
    // Never up, which would take a privilege.
    if (process.platform === 'linux' && getPriority(0) < PRIORITY_BELOW_NORMAL) setPriority(0, PRIORITY_BELOW_NORMAL)
  } catch {
    // A sandbox may refuse it, and then it compares as it is.
  }
}

function remove(id: string): void {
  const there = shadows.get(id)
  shadows.delete(id)
  there?.shadow.stop()
  there?.close()
}

function open({ monolith, service, rules, limits }: RouteMessage) {
  const { timeoutMs, concurrencyMax, bodyBytesMax } = { ...defaultShadowLimits, ...limits }
  const shared = { timeoutMs, concurrencyMax, bodyBytesMax, clock: systemClock }
  const sides = {
    monolith: httpAsk({ name: 'the monolith', address: { ...monolith, url: new URL(monolith.url) }, ...shared }),
    service: httpAsk({ name: 'the service', address: { ...service, url: new URL(service.url) }, ...shared }),
  }
  const shadow = new Shadow({ ...sides, ...(rules !== undefined && { rules }), ...(limits !== undefined && { limits }) })
  const close = () => {
    sides.monolith[Symbol.dispose]()
    sides.service[Symbol.dispose]()
  }
  return { shadow, close }
}
