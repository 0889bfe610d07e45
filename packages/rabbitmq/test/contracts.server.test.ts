import { setTimeout as delay } from 'node:timers/promises'
import { type RabbitMqBroker, openRabbitMqQueue } from '@seaworthy/rabbitmq'
import { VirtualClock, queueContract } from '@seaworthy/testing'
import { startFaultProxy } from '@seaworthy/testing/fault-proxy'
import { brokerUrl, freshName, openBroker, portOf } from './server.ts'
import { removeQueue } from './remove-queue.ts'

queueContract(
  'RabbitMQ',
  async () => {
    const url = await brokerUrl()
    const proxy = await startFaultProxy({ target: { port: portOf(url) } })
    const through = new URL(url)
    through.port = String(proxy.port)
    const clock = new VirtualClock()
    const options = { name: freshName(), deliveryLimit: 3, clock }
    const brokers: RabbitMqBroker[] = []
    const open = async (address: string) => {
      const broker = await openBroker(address)
      brokers.push(broker)
      return openRabbitMqQueue(broker, options)
    }
    const queue = await open(through.href)
    let alive = queue
    return {
      queue,
      pass: async (ms) => {
        // The broker times delays alone; leases are timed here.
        const { delayed } = await alive.status()
        await clock.advance(ms)
        if (delayed > 0) await delay(ms)
      },
      crash: async () => {
        await proxy.afflict({ refuse: true })
        proxy.disconnect('reset')
        return (alive = await open(url))
      },
      dispose: async () => {
        await queue.close()
        await Promise.all(brokers.map((broker) => broker.close()))
        await proxy.close()
        await removeQueue(url, options.name)
      },
    }
  },
  { deduplication: 'none', lagMs: 200, delayMs: 3_000, earlyMs: 990 },
)
