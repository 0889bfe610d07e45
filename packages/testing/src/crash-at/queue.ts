import type { Delivery, Queue } from 'seaworthy/messaging'
import { labelOf } from './counted-point.ts'
import type { InEngine, Reach } from './crash-at.ts'

export function queuePoints(queue: Queue, { name, reach, engine }: { name: string; reach: Reach; engine: InEngine }): Queue {
  const at = (label: string) => reach(`queue:${labelOf(name)}:${label}`)
  const around = async (operation: string, work: () => Promise<void>): Promise<void> => {
    at(`${operation}:before`)
    await engine(work)
    at(`${operation}:after`)
  }
  const delivered = (delivery: Delivery): Delivery => ({
    id: delivery.id,
    body: delivery.body,
    context: delivery.context,
    attempt: delivery.attempt,
    acknowledge: () => around('acknowledge', () => delivery.acknowledge()),
    reject: (options) => around('reject', () => delivery.reject(options)),
    extend: (leaseMs) => engine(() => delivery.extend(leaseMs)),
  })
  return {
    send: (message) => around('send', () => queue.send(message)),
    async receive(options) {
      const deliveries = await engine(() => queue.receive(options))
      if (deliveries.length > 0) at('receive')
      return deliveries.map(delivered)
    },
    status: () => engine(() => queue.status()),
    deadLetters: (options) => engine(() => queue.deadLetters(options)),
    requeueDead: (ids) => engine(() => queue.requeueDead(ids)),
    close: () => engine(() => queue.close()),
  }
}
