import { type Service, defineService, defineSystem } from 'seaworthy/system'
import { ORDERS_TOPIC } from './order.ts'

const about = { owns: [], publishes: [], consumes: [], calls: [], serves: ['http'] } satisfies Partial<Service>

/** The lab's two services and a console, to look at a history that the lab left: `seaworthy start labs/dual-write/system.ts --data-dir FOLDER`. */
export const system = defineSystem({
  name: 'dual-write',
  services: [
    defineService({
      ...about,
      name: 'console',
      role: 'console',
      context: 'platform',
      purpose: 'Shows what the lab left.',
      owns: ['console'],
      main: new URL('../../apps/console/src/main.ts', import.meta.url),
    }),
    defineService({
      ...about,
      name: 'orders',
      context: 'lab',
      purpose: 'Stores orders and tells of them.',
      owns: ['orders'],
      publishes: [ORDERS_TOPIC],
      main: new URL('./orders-process.ts', import.meta.url),
    }),
    defineService({
      ...about,
      name: 'shipping',
      context: 'lab',
      purpose: 'Ships orders twice over: with an inbox, and without.',
      owns: ['shipping'],
      consumes: [ORDERS_TOPIC],
      main: new URL('./shipping-process.ts', import.meta.url),
    }),
  ],
  routes: [],
})
