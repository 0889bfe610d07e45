import { setTimeout as delay } from 'node:timers/promises'
import { openSqsQueue } from '@seaworthy/sqs'
import { type QueueTraits, type QueueUnderTest, queueContract } from '@seaworthy/testing'
import { clientOf, endpoint, freshName } from './server.ts'

// SQS's time is real and goes by whole seconds; a lease lasts up to two longer than asked for. So each test waits, and all wait together.
const real: QueueTraits = {
  concurrency: true,
  waitsAfterRejectionAs: 'leased',
  lagMs: 200,
  leaseMs: 5_000,
  delayMs: 4_000,
  earlyMs: 3_500,
  lateMs: 2_500,
}

queueContract('SQS, standard', () => under('standard'), { ...real, deduplication: 'none' })
queueContract('SQS, FIFO', () => under('fifo'), { ...real, deduplication: 'fixed-window', sendsWithDelay: false })

async function under(kind: 'standard' | 'fifo'): Promise<QueueUnderTest> {
  const url = await endpoint()
  const clients = [clientOf(url)]
  const options = { name: freshName(kind), deliveryLimit: 3 }
  const queue = await openSqsQueue(clients[0]!, options)
  return {
    queue,
    pass: (ms) => delay(ms),
    crash: () => {
      const client = clientOf(url)
      clients.push(client)
      return openSqsQueue(client, options)
    },
    dispose: async () => {
      await queue.close()
      for (const client of clients) client.destroy()
    },
  }
}
