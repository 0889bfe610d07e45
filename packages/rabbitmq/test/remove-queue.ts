import { Connection } from 'rabbitmq-client'
import { deadQueueOf, delayLevelOf } from '../src/topology.ts'

/** Removes a queue with everything that belongs to it. */
export async function removeQueue(url: string, name: string): Promise<void> {
  const connection = new Connection(url)
  connection.on('error', () => undefined)
  const channel = await connection.acquire()
  await channel.queueDelete({ queue: name })
  await channel.queueDelete({ queue: deadQueueOf(name) })
  await channel.exchangeDelete({ exchange: `${name}.due` })
  for (let level = 0; level < 24; level++) {
    await channel.queueDelete({ queue: delayLevelOf(name, level) })
    await channel.exchangeDelete({ exchange: delayLevelOf(name, level) })
  }
  await channel.close()
  await connection.close()
}
