import { openRabbitMqBroker, openRabbitMqQueue } from '@seaworthy/rabbitmq'
import type { Queue } from 'seaworthy/messaging'
import { closingWith } from './closing-with.ts'
import type { QueueOptions } from './stores.ts'

/** A quorum queue, over connections of its own. */
export async function rabbitMqQueue({ url, ...options }: QueueOptions & { readonly url: string; readonly name: string }): Promise<Queue> {
  const broker = await openRabbitMqBroker({ url, name: options.name })
  try {
    return closingWith(await openRabbitMqQueue(broker, options), broker)
  } catch (error) {
    await broker.close()
    throw error
  }
}
